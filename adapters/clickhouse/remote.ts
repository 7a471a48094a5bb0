/** A ClickHouse server over HTTP. */

import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { type Batch, type ClickHouse, errorCodeOf, INSERT_SETTINGS, queryRows, reasonOf } from './client.ts'
import type { StoreLocation } from './options.ts'
import { StoreError } from './store.ts'

export type RemoteOptions = Extract<StoreLocation, { kind: 'remote' }>

export const DEFAULT_CONNECT_TIMEOUT_MS = 5_000
export const DEFAULT_REQUEST_TIMEOUT_MS = 30_000

/** The oldest release that is known to work. */
const VERSION_MIN = [25, 8] as const

const UNKNOWN_DATABASE = 81
const AUTHENTICATION_FAILED = 516

/**
 * Connects, makes the database where it is missing, and checks the version.
 * @throws {StoreError} `store_bad_location`, `store_unavailable`, `store_migration_failed` for a server that is too old
 */
export async function openRemote(options: RemoteOptions): Promise<ClickHouse> {
  const { url, username, password } = readUrl(options)
  const location = url.origin
  const tls = readTls(options)
  const connect = (database: string, requestTimeoutMs: number): ClickHouseClient =>
    createClient({
      url,
      database,
      username,
      password,
      ...tls,
      request_timeout: requestTimeoutMs,
      compression: { request: options.compression ?? true, response: false },
      log: { level: ClickHouseLogLevel.OFF },
      application: 'highwayman',
    })
  await prepareDatabase(connect, options, location)
  const client = connect(options.database, options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS)

  return {
    kind: 'remote',
    location,
    insert: async ({ table, columns, body, token }: Batch) => {
      const { stream } = await client.exec({
        query: `INSERT INTO ${table} (${columns.join(', ')}) FORMAT RowBinary`,
        values: Readable.from([body], { objectMode: false }),
        clickhouse_settings: { ...INSERT_SETTINGS, insert_deduplication_token: token, wait_end_of_query: 1 },
      })
      // The socket is free for the next request only when the (empty) answer has been read.
      for await (const _chunk of stream);
    },
    query: (sql, params) => queryRows(client, sql, params),
    command: async (sql) => {
      await client.command({ query: sql })
    },
    close: () => client.close(),
  }
}

function readUrl(options: RemoteOptions): { url: URL; username: string; password: string } {
  let url: URL
  try {
    url = new URL(options.url)
  } catch (error) {
    throw badLocation('store.url is not a URL', error)
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw badLocation(`store.url has the scheme ${url.protocol}`)
  const username = options.username ?? (decodeURIComponent(url.username) || 'default')
  const password = options.password ?? decodeURIComponent(url.password)
  url.username = ''
  url.password = ''
  // The client would read them as settings; a path it would read as the database.
  url.search = ''
  url.hash = ''
  if (url.pathname !== '/') throw badLocation(`store.url has the path ${url.pathname}`)
  return { url, username, password }
}

function readTls({ caFile }: RemoteOptions): { tls?: { ca_cert: Buffer } } {
  if (caFile === undefined) return {}
  try {
    return { tls: { ca_cert: readFileSync(caFile) } }
  } catch (error) {
    const message = `store.caFile cannot be read (${reasonOf(error)}); name the PEM file of the authority that signed the server's certificate`
    throw new StoreError('store_bad_location', message, { cause: error })
  }
}

/** What OpenSSL finds wrong with a certificate, by the name Node gives it. */
function isCertificateError(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /CERT|ERR_TLS|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)/.test(code)
}

function badLocation(problem: string, cause?: unknown): StoreError {
  const repair = 'write it as http://host:8123 or https://host:8443, and the database in store.database'
  return new StoreError('store_bad_location', `${problem}; ${repair}`, { cause })
}

async function prepareDatabase(
  connect: (database: string, requestTimeoutMs: number) => ClickHouseClient,
  options: RemoteOptions,
  location: string,
): Promise<void> {
  const timeoutMs = options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS
  const client = connect(options.database, timeoutMs)
  try {
    await checkVersion(client, location).catch(async (error: unknown) => {
      if (errorCodeOf(error) !== UNKNOWN_DATABASE) throw error
      await createDatabase(connect('default', timeoutMs), options.database)
      await checkVersion(client, location)
    })
  } catch (error) {
    if (error instanceof StoreError) throw error
    const repair = isCertificateError(error)
      ? "name the PEM file of the authority that signed the server's certificate in store.caFile, or correct store.url"
      : errorCodeOf(error) === AUTHENTICATION_FAILED
        ? 'correct store.username and store.password'
        : 'start it, correct store.url, or leave store.url out to use the embedded engine'
    throw new StoreError(
      'store_unavailable',
      `ClickHouse at ${location} does not answer (${reasonOf(error)}); ${repair}`,
      {
        cause: error,
      },
    )
  } finally {
    await client.close()
  }
}

async function createDatabase(client: ClickHouseClient, database: string): Promise<void> {
  try {
    await client.command({
      query: `CREATE DATABASE IF NOT EXISTS \`${database.replaceAll(/[\\`]/g, '\\$&')}\``,
    })
  } finally {
    await client.close()
  }
}

async function checkVersion(client: ClickHouseClient, location: string): Promise<void> {
  const [row] = await queryRows(client, 'SELECT version() AS version')
  const version = String(row?.['version'])
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > VERSION_MIN[0] || (major === VERSION_MIN[0] && minor >= VERSION_MIN[1])) return
  throw new StoreError(
    'store_migration_failed',
    `ClickHouse ${version} at ${location} is too old; update it to ${VERSION_MIN.join('.')} or newer`,
  )
}
