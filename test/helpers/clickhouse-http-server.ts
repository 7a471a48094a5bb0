/**
 * ClickHouse's HTTP interface in front of an embedded engine: the child process of `clickhouse-http.ts`. It knows what
 * `@clickhouse/client` sends (query in the URL or the body, `param_*`, settings, gzip) and answers as a server does, and it can
 * misbehave on command.
 */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGunzip } from 'node:zlib'
import { createChdbConnection } from 'chdb/connection'
import type { Command, Fault, SeenRequest } from './clickhouse-http.ts'

const [dataDir = '', password = '', scheme = 'http'] = process.argv.slice(2)
const connection = createChdbConnection({ path: dataDir })
const { chdb } = connection

/** Settings of the HTTP layer and fields of the URL that are no settings at all. */
const NOT_FOR_THE_ENGINE =
  /^(query|query_id|database|default_format|session_id|role|param_.*|wait_end_of_query|enable_http_compression|.*http_.*)$/

let faults: Fault[] = []
let seen: SeenRequest[] = []
const sockets = new Set<Socket>()
let turn: Promise<unknown> = Promise.resolve()
/** What the one session has in force: each statement to it costs as much as a small query. */
let database: string | undefined
const inForce = new Map<string, string | undefined>()

const tls = (name: string) => readFileSync(join(import.meta.dirname, 'tls', name))
const server =
  scheme === 'https'
    ? createTlsServer({ key: tls('server.key'), cert: tls('server.pem') }, enqueue)
    : createServer(enqueue)
// Longer than clients keep theirs: a socket that is closed while a request is on its way looks like a server that died.
server.keepAliveTimeout = 60_000
server.on('connection', (socket) => {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
})

function enqueue(request: IncomingMessage, response: ServerResponse): void {
  // One at a time: database and settings are state of the one session.
  turn = turn.then(() => answer(request, response)).catch(() => request.socket.destroy())
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const encoding = request.headers['content-encoding'] ?? ''
  // Not `pipe`: a body that breaks off would leave whoever reads it, and everybody in line, waiting for its end.
  const body = await readAll(encoding === 'gzip' ? pipeline(request, createGunzip(), () => {}) : request)
  const url = new URL(request.url ?? '/', 'http://localhost')
  const query = url.searchParams.get('query')
  const sql = query ?? body.toString()
  const token = url.searchParams.get('insert_deduplication_token') ?? ''
  const fault = takeFault(sql)
  seen.push({ sql: sql.slice(0, 200), token, encoding, fault: fault?.kind ?? '' })

  if (fault?.kind === 'cut-before') return void request.socket.destroy()
  if (fault?.kind === 'status') return void response.writeHead(fault.status).end(fault.body)
  if (fault?.kind === 'hang') return
  if (fault?.kind === 'delay') await sleep(fault.ms)
  if (!isAuthorized(request)) {
    return sendError(
      response,
      'Code: 516. DB::Exception: default: Authentication failed. (AUTHENTICATION_FAILED)',
    )
  }
  const result = await run(sql, query === null ? undefined : body, url.searchParams)
  if (fault?.kind === 'cut-after') return void request.socket.destroy()
  if ('error' in result) return sendError(response, result.error)
  response.setHeader('x-clickhouse-summary', JSON.stringify({ written_rows: '0' }))
  response.setHeader('x-clickhouse-query-id', url.searchParams.get('query_id') ?? '')
  response.writeHead(200).end(result.text)
}

function takeFault(sql: string): Fault | undefined {
  const fault = faults.find((candidate) => candidate.times > 0 && sql.includes(candidate.when))
  if (fault === undefined) return undefined
  faults = faults.map((candidate) => (candidate === fault ? { ...fault, times: fault.times - 1 } : candidate))
  return fault
}

/** Basic, or the headers that the client sends over TLS. */
function isAuthorized(request: IncomingMessage): boolean {
  const { 'x-clickhouse-user': user, 'x-clickhouse-key': key } = request.headers
  if (user !== undefined) return user === 'default' && key === password
  const basic = /^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? ''
  return Buffer.from(basic, 'base64').toString() === `default:${password}`
}

function sendError(response: ServerResponse, message: string): void {
  const code = /Code: (\d+)/.exec(message)?.[1] ?? '1000'
  response.setHeader('x-clickhouse-exception-code', code)
  response.writeHead(code === '516' ? 403 : code === '81' || code === '60' ? 404 : 500).end(message)
}

/** @param rows in the statement's format, when they came apart from it */
async function run(
  statement: string,
  rows: Buffer | undefined,
  search: URLSearchParams,
): Promise<{ text: string } | { error: string }> {
  const sql = rows === undefined || rows.length === 0 ? statement : await insertFromFile(statement, rows)
  const settings = new Map([...search].filter(([name]) => !NOT_FOR_THE_ENGINE.test(name)))
  const params = Object.fromEntries(
    [...search]
      .filter(([name]) => name.startsWith('param_'))
      .map(([name, value]) => [name.slice(6), unescapeTsv(value)]),
  )
  try {
    await enterSession(search.get('database') ?? 'default', settings)
    const result =
      Object.keys(params).length > 0
        ? (await readAll((await connection.query({ query: sql, query_params: params })).stream)).toString()
        : (await chdb.queryAsync(sql)).text()
    return { text: result }
  } catch (error) {
    // It may be that there is no such database any more.
    database = undefined
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

/** Makes the session that of a request: its database, its settings, and none of those of the request before. */
async function enterSession(wanted: string, settings: ReadonlyMap<string, string>): Promise<void> {
  if (wanted !== database) {
    await chdb.queryAsync(`USE \`${wanted}\``)
    database = wanted
  }
  const changes = [...settings].filter(([name, value]) => inForce.get(name) !== value)
  const leftOver = [...inForce.keys()].filter((name) => !settings.has(name))
  if (changes.length + leftOver.length === 0) return
  // Until it is done nobody knows.
  for (const [name] of changes) inForce.set(name, undefined)
  const assignments = [
    ...changes.map(([name, value]) => `${name} = '${value}'`),
    ...leftOver.map((name) => `${name} = DEFAULT`),
  ]
  await chdb.queryAsync(`SET ${assignments.join(', ')}`)
  for (const [name, value] of changes) inForce.set(name, value)
  for (const name of leftOver) inForce.delete(name)
}

/** The embedded engine takes binary rows from files only. */
async function insertFromFile(statement: string, rows: Buffer): Promise<string> {
  const file = `${dataDir}.rows`
  await writeFile(file, rows)
  return statement.replace(/ FORMAT (\w+)$/, ` FROM INFILE '${file}' FORMAT $1`)
}

async function readAll(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

/** What the client escaped for the URL; the engine's binding escapes it again. */
function unescapeTsv(value: string): string {
  return value.replace(/\\(.)/g, (_all, char: string) => ({ t: '\t', n: '\n', r: '\r' })[char] ?? char)
}

async function obey(command: Command): Promise<unknown> {
  if (command.do === 'faults') faults = [...command.faults]
  if (command.do === 'seen') return seen
  if (command.do === 'forget') seen = []
  if (command.do === 'refuse' && server.listening) {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  if (command.do === 'listen' && !server.listening) await listen(command.port)
  return undefined
}

async function listen(port: number): Promise<void> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
}

process.on('message', (message: { id: number; command: Command }) => {
  void obey(message.command).then((result) => process.send?.({ id: message.id, result }))
})
process.on('disconnect', () => process.exit(0))

await listen(0)
process.send?.({ port: (server.address() as AddressInfo).port })
