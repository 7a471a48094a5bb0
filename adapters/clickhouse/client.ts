/**
 * One ClickHouse, wherever it runs. Everything above speaks SQL through this interface; `embedded.ts` and `remote.ts` are
 * the only files that know which it is.
 */
import type { ClickHouseClient } from '@clickhouse/client'
import { StoreError } from './store.ts'

export type Row = Readonly<Record<string, unknown>>
export type QueryParams = Readonly<Record<string, unknown>>

/** Rows of one table as they go over the wire. The token makes a repetition harmless: ClickHouse stores a token once. */
export interface Batch {
  readonly table: string
  readonly columns: readonly string[]
  /** RowBinary. */
  readonly body: Uint8Array
  readonly rows: number
  readonly token: string
}

export interface ClickHouse {
  readonly kind: 'embedded' | 'remote'
  /** The directory, or the URL without credentials. */
  readonly location: string
  /** Resolves when ClickHouse has stored the batch, or had already stored one with its token. */
  insert(batch: Batch): Promise<void>
  query(sql: string, params?: QueryParams): Promise<Row[]>
  command(sql: string): Promise<void>
  /** `clean`: every batch that was begun is whole. Otherwise the next opening of an embedded one checks its sums. */
  close(clean: boolean): Promise<void>
}

/** How every batch is inserted. */
export const INSERT_SETTINGS = {
  // The server's own batching would store several tokens as one block and forget them.
  async_insert: 0,
  deduplicate_blocks_in_dependent_materialized_views: 1,
  // On a cluster: confirmed when the shards have it, not when it is on its way to them.
  distributed_foreground_insert: 1,
  // Rows of an imported log are of any months: a batch that is refused for having too many would block all that come after it.
  max_partitions_per_insert_block: '0',
  // One batch is parsed as one block: tokens name blocks.
  input_format_parallel_parsing: 0,
} as const

/** Rows of a result; 64-bit integers come as numbers, and the store holds none beyond 2⁵³. */
export async function queryRows(
  client: ClickHouseClient,
  query: string,
  params?: QueryParams,
): Promise<Row[]> {
  const result = await client.query({
    query,
    format: 'JSONEachRow',
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
    ...(params === undefined ? {} : { query_params: params }),
  })
  return await result.json<Row>()
}

/** ClickHouse's number for an error, where it gave one: 81 is UNKNOWN_DATABASE. The client and chDB name it differently. */
export function errorCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  const code = 'clickhouseCode' in error ? error.clickhouseCode : 'code' in error ? error.code : undefined
  return /^\d+$/.test(String(code)) ? Number(code) : undefined
}

/** Numbers of the errors by which ClickHouse says that the rows themselves can never be stored as they are. */
const REFUSALS = new Set([
  6, // CANNOT_PARSE_TEXT
  16, // NO_SUCH_COLUMN_IN_TABLE
  25, // CANNOT_PARSE_ESCAPE_SEQUENCE
  26, // CANNOT_PARSE_QUOTED_STRING
  27, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  33, // CANNOT_READ_ALL_DATA
  38, // CANNOT_PARSE_DATE
  41, // CANNOT_PARSE_DATETIME
  43, // ILLEGAL_TYPE_OF_ARGUMENT
  53, // TYPE_MISMATCH
  62, // SYNTAX_ERROR
  69, // ARGUMENT_OUT_OF_BOUND
  70, // CANNOT_CONVERT_TYPE
  72, // CANNOT_PARSE_NUMBER
  117, // INCORRECT_DATA
  130, // CANNOT_READ_ARRAY_FROM_TEXT
  190, // SIZES_OF_ARRAYS_DONT_MATCH
  349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  376, // CANNOT_PARSE_UUID
  407, // DECIMAL_OVERFLOW
  467, // CANNOT_PARSE_BOOL
])

/** The process of an embedded engine has died while it worked on this. */
export class EngineEnded extends Error {
  override readonly name = 'EngineEnded'
}

/** A batch that the engine has died of, as often as it was tried. */
export class FatalBatch extends Error {
  override readonly name = 'FatalBatch'
}

/** True when repeating the insert cannot help: the rows are at fault, not ClickHouse or the way to it. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof FatalBatch) return true
  const code = errorCodeOf(error)
  return code !== undefined && REFUSALS.has(code)
}

export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ')
  const message = error instanceof Error ? error.message : String(error)
  // ClickHouse appends its version, and the query with its values, to some messages: one line says what went wrong.
  return message.split('\n', 1)[0]?.slice(0, 500) ?? ''
}

export function unavailable(
  what: string,
  clickhouse: Pick<ClickHouse, 'kind' | 'location'>,
  cause: unknown,
): StoreError {
  const repair =
    clickhouse.kind === 'remote'
      ? 'start ClickHouse, or correct store.url, store.username and store.password'
      : 'see that the disk is writable and has room'
  const message = `${what} (ClickHouse at ${clickhouse.location}: ${reasonOf(cause)}); ${repair}`
  return new StoreError('store_unavailable', message, { cause })
}
