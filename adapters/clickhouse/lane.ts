/** The rows of one table that are not in line yet: they wait for more, to be inserted together. */
import type { Batch } from './client.ts'
import { RowBinary } from './row-binary.ts'

export interface Lane {
  readonly rows: number
  readonly bytes: number
  /** What `encode` writes is a row, unless it throws: then it leaves nothing behind. */
  append(decisionId: string, encode: (to: RowBinary) => void): void
  holds(decisionId: string): boolean
  /** The rows so far as one batch, and the decisions they are about; undefined when there are none. */
  seal(): { readonly batch: Batch; readonly decisionIds: ReadonlySet<string> } | undefined
}

export interface LaneOptions {
  readonly table: string
  readonly columns: readonly string[]
  readonly nextToken: () => string
}

export function createLane({ table, columns, nextToken }: LaneOptions): Lane {
  const buffer = new RowBinary()
  let rows = 0
  let decisionIds = new Set<string>()
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
      decisionIds.add(decisionId)
      rows += 1
    },
    holds: (decisionId) => decisionIds.has(decisionId),
    seal: () => {
      if (rows === 0) return undefined
      const batch: Batch = { table, columns, body: buffer.take(), rows, token: nextToken() }
      const sealed = { batch, decisionIds }
      rows = 0
      decisionIds = new Set()
      return sealed
    },
  }
}
