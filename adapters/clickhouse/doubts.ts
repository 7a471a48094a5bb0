/**
 * Batches of which nobody knows whether the embedded engine has them: it died while it wrote them.
 *
 * ClickHouse notes the token of a part before it puts the part in place. Killed between the two it takes the batch, sent again under the same
 * token, for one that it has, and drops the rows. So after a death the first row of the batch is looked for: a part is put in place
 * whole or not at all. Where it is missing the batch goes under a new token, and is none that ClickHouse could take for known.
 *
 * A server that outlives this process is sent a batch again under its token, and nothing else.
 */
import type { Batch, ClickHouse, QueryParams } from './client.ts'

/** How many of its first columns tell a row of a table from all others. Of tables that are not named, a row that comes twice counts once. */
const KEY_LENGTH: Readonly<Record<string, number>> = {
  decisions: 2,
  attempts: 3,
  rewards: 3,
  observations: 5,
  prompts: 2,
  assignments: 3,
}

export interface Doubts {
  /**
   * Under which token a batch is to be inserted now; undefined: it is stored.
   * @throws what the query throws
   */
  tokenFor(batch: Batch): Promise<string | undefined>
  /** The engine has died while it wrote the batch. */
  raise(batch: Batch): void
  /** It is stored, or given up. */
  settle(batch: Batch): void
}

/**
 * @param isOwn whether a token was made by this process: an engine dies with its process, so that all that another one has left
 *   is in doubt
 */
export function createDoubts(
  clickhouse: Pick<ClickHouse, 'kind' | 'query'>,
  isOwn: (token: string) => boolean,
  nextToken: () => string,
): Doubts {
  const raised = new Set<string>()
  /** By the batch's own token, the one that it was last sent under. */
  const sentAs = new Map<string, string>()
  return {
    tokenFor: async (batch) => {
      const { token } = batch
      const isLeft = clickhouse.kind === 'embedded' && !isOwn(token) && !sentAs.has(token)
      if (!isLeft && !raised.has(token)) return sentAs.get(token) ?? token
      if (await isStored(clickhouse, batch)) {
        // Which token another process has sent it under cannot be known; of one's own, what is missing of it is completed.
        if (isLeft) return undefined
      } else sentAs.set(token, nextToken())
      raised.delete(token)
      return sentAs.get(token) ?? token
    },
    raise: ({ token }) => void raised.add(token),
    settle: ({ token }) => {
      raised.delete(token)
      sentAs.delete(token)
    },
  }
}

/** Whether the first row of a batch is in its table. */
export async function isStored(clickhouse: Pick<ClickHouse, 'query'>, batch: Batch): Promise<boolean> {
  const { table, columns, body } = batch
  const length = KEY_LENGTH[table]
  if (length === undefined || batch.rows === 0) return false
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const conditions: string[] = []
  const params: Record<string, unknown> = {}
  let at = 0
  for (const column of columns.slice(0, length)) {
    const { type, value, bytes: width } = readField(column, bytes, at)
    const written = `{${column}:${type}}`
    conditions.push(
      `${column} = ${type === 'Int64' ? `fromUnixTimestamp64Milli(${written}, 'UTC')` : written}`,
    )
    params[column] = value
    at += width
  }
  const sql = `SELECT 1 AS found FROM ${table} WHERE ${conditions.join(' AND ')} LIMIT 1`
  return (await clickhouse.query(sql, params as QueryParams)).length > 0
}

interface Field {
  readonly type: 'Int64' | 'UUID' | 'String' | 'Array(String)'
  readonly value: number | string | readonly string[]
  readonly bytes: number
}

/** As {@link RowBinary} writes it. */
function readField(column: string, bytes: Buffer, at: number): Field {
  if (column === 'ts' || column === 'decision_ts') {
    return { type: 'Int64', value: Number(bytes.readBigInt64LE(at)), bytes: 8 }
  }
  if (column === 'decision_id') {
    const half = (from: number) =>
      Buffer.from(bytes.subarray(from, from + 8))
        .reverse()
        .toString('hex')
    const hex = half(at) + half(at + 8)
    return { type: 'UUID', value: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'), bytes: 16 }
  }
  if (column !== 'heads') return { type: 'String', ...readText(bytes, at) }
  const { length, width } = readLength(bytes, at)
  const texts: string[] = []
  let end = at + width
  while (texts.length < length) {
    const text = readText(bytes, end)
    texts.push(text.value)
    end += text.bytes
  }
  return { type: 'Array(String)', value: texts, bytes: end - at }
}

function readText(bytes: Buffer, at: number): { readonly value: string; readonly bytes: number } {
  const { length, width } = readLength(bytes, at)
  const start = at + width
  return { value: bytes.toString('utf8', start, start + length), bytes: width + length }
}

/** A variable-length integer (LEB128). */
function readLength(bytes: Buffer, at: number): { readonly length: number; readonly width: number } {
  let length = 0
  for (let width = 0; ; width += 1) {
    const byte = bytes.readUInt8(at + width)
    length += (byte & 0x7f) * 2 ** (7 * width)
    if (byte < 0x80) return { length, width: width + 1 }
  }
}
