/**
 * The process that holds the embedded ClickHouse: chDB behind the official client, served over Node's IPC channel to the
 * gateway that forked it (`embedded.ts`). It lives as long as that channel.
 */
import { setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ClickHouseClient,
  type ClickHouseClientConfigOptions,
  ClickHouseLogLevel,
  createClient,
} from '@clickhouse/client'
import { errorCodeOf, INSERT_SETTINGS, type QueryParams, queryRows, type Row, reasonOf } from './client.ts'

export type EngineRequest =
  | {
      readonly kind: 'insert'
      readonly table: string
      readonly columns: readonly string[]
      /** The rows as RowBinary: a name in the working directory, so that no path is quoted or taken for a pattern. */
      readonly file: string
      readonly token: string
    }
  | { readonly kind: 'query'; readonly sql: string; readonly params: QueryParams | undefined }
  | { readonly kind: 'command'; readonly sql: string }
  | { readonly kind: 'close' }

/** What fails here, in a form that crosses over: ClickHouse's number where it gave one. */
export interface EngineFailure {
  readonly message: string
  readonly code: number | undefined
}

/** First one that says whether the engine is open, then one for each request. */
export type EngineReply =
  | { readonly kind: 'open' }
  | { readonly kind: 'missing' | 'locked'; readonly failure: EngineFailure }
  | { readonly kind: 'done'; readonly id: number; readonly rows: readonly Row[] }
  | { readonly kind: 'failed'; readonly id: number; readonly failure: EngineFailure }

/** In the statement, not in the client's settings: there they would stay with the session. */
const INSERT_CLAUSE = Object.entries({ ...INSERT_SETTINGS, max_threads: 1, max_insert_threads: 1 })
  .map(([name, value]) => `${name} = ${value}`)
  .join(', ')

type Connection = ReturnType<typeof import('chdb/connection')['createChdbConnection']>

/** An engine whose gateway has just died needs a moment to let go of the directory. */
const LOCK_RETRY_MS = 250

/** Requests before rows: what waits to be stored may wait a little longer, who waits for an answer may not. */
const NICENESS = 5

const [, , path = '', patienceMs = '0'] = process.argv
const running = new Set<Promise<void>>()

// A signal to the terminal's whole group is for the gateway, which then closes this process when it has written everything.
process
  .on('SIGINT', () => {})
  .on('SIGTERM', () => {})
  .on('SIGHUP', () => {})
process.once('disconnect', () => void Promise.allSettled(running).then(() => process.exit(0)))
// Before the engine starts its threads: on Linux a priority is a thread's own, and handed down.
setPriority(NICENESS)
await serve()

async function serve(): Promise<void> {
  const connection = await open()
  if (connection === undefined) return process.disconnect()
  const client = createClient({
    connection: asClientConnection(connection),
    log: { level: ClickHouseLogLevel.OFF },
  })
  process.on('message', ({ id, request }: { id: number; request: EngineRequest }) => {
    const answered = answer(client, request).then(
      (rows) => reply({ kind: 'done', id, rows }),
      (error: unknown) => reply({ kind: 'failed', id, failure: failureOf(error) }),
    )
    running.add(answered)
    void answered.finally(() => running.delete(answered))
  })
  reply({ kind: 'open' })
}

async function answer(client: ClickHouseClient, request: EngineRequest): Promise<readonly Row[]> {
  switch (request.kind) {
    case 'insert': {
      const { table, columns, file, token } = request
      await client.command({
        query: `INSERT INTO ${table} (${columns.join(', ')}) FROM INFILE '${file}' SETTINGS ${INSERT_CLAUSE}, insert_deduplication_token = '${token}' FORMAT RowBinary`,
      })
      return []
    }
    case 'query':
      return await queryRows(client, request.sql, request.params)
    case 'command':
      await client.command({ query: request.sql })
      return []
    case 'close':
      await client.close()
      return []
  }
}

async function open(): Promise<Connection | undefined> {
  let createConnection: (options: { path: string }) => Connection
  try {
    createConnection = (await import('chdb/connection')).createChdbConnection
  } catch (error) {
    reply({ kind: 'missing', failure: failureOf(error) })
    return undefined
  }
  const deadline = performance.now() + Number(patienceMs)
  for (;;) {
    try {
      return createConnection({ path })
    } catch (error) {
      if (performance.now() >= deadline) {
        reply({ kind: 'locked', failure: failureOf(error) })
        return undefined
      }
      await sleep(LOCK_RETRY_MS)
    }
  }
}

function reply(message: EngineReply): void {
  // Without a channel there is nobody left to answer.
  if (process.connected) process.send?.(message)
}

function failureOf(error: unknown): EngineFailure {
  return { message: reasonOf(error), code: errorCodeOf(error) }
}

/** chDB implements the client's contract as an older copy of its types states it; under exact optional types they differ. */
function asClientConnection(
  connection: Connection,
): NonNullable<ClickHouseClientConfigOptions['connection']> {
  return connection as unknown as NonNullable<ClickHouseClientConfigOptions['connection']>
}
