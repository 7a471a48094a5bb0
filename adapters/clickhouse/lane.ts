/** The rows of one table that are not in line yet: they wait for more, to be inserted together. */
import type { Batch } from './client.ts'
import { RowBinary } from './row-binary.ts'

export interface Lane {
  readonly rows: number
  readonly bytes: number
  /** What `encode` writes is a row, unless it throws: then it leaves nothing behind. */
  append(decisionId: string, encode: (to: RowBinary) => void): void
  /** True too where it cannot tell: see {@link IdSpan}. */
  holds(decisionId: string): boolean
  /** The rows so far as one batch, and the decisions they are about; undefined when there are none. */
  seal(): { readonly batch: Batch; readonly span: IdSpan } | undefined
}

/**
 * The first and the last of the ids of some decisions. A UUIDv7 begins with its time: in order as text, they are in order of time. A
 * set of them all would cost a request more than its row. Both are empty where the rows are about no decision.
 */
export interface IdSpan {
  readonly first: string
  readonly last: string
}

export interface LaneOptions {
  readonly table: string
  readonly columns: readonly string[]
  readonly nextToken: () => string
}

export function createLane({ table, columns, nextToken }: LaneOptions): Lane {
  const buffer = new RowBinary()
  let rows = 0
  let first = ''
  let last = ''
  return {
    get rows() {
      return rows
    },
    get bytes() {
      return buffer.bytes
    },
    append: (decisionId, encode) => {
      const { bytes } = buffer
      try {
        encode(buffer)
      } catch (error) {
        buffer.rewind(bytes)
        throw error
      }
      if (rows === 0 || decisionId < first) first = decisionId
      if (rows === 0 || decisionId > last) last = decisionId
      rows += 1
    },
    holds: (decisionId) => rows > 0 && decisionId >= first && decisionId <= last,
    seal: () => {
      if (rows === 0) return undefined
      const batch: Batch = { table, columns, body: buffer.take(), rows, token: nextToken() }
      rows = 0
      return { batch, span: { first, last } }
    },
  }
}
