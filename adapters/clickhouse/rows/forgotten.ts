/** Table `forgotten`. `stored` is left to the server. */
import type { RowBinary } from '../row-binary.ts'
import type { ForgottenRow } from '../store.ts'

export const FORGOTTEN_COLUMNS = ['feature_space', 'arm', 'head', 'since', 'replica'] as const

/** Writes {@link FORGOTTEN_COLUMNS}. @throws {RangeError} for a time that is none */
export function writeForgotten(row: ForgottenRow, replica: string, to: RowBinary): void {
  to.text(row.featureSpace)
  to.text(row.arm)
  to.text(row.head)
  to.timeMs(row.sinceMs)
  to.text(replica)
}
