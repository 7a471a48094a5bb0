/** What every reader of a file understands. */
import { DatasetError } from '../types.ts'

export interface ReadOptions {
  /** Ends the reading: what iterates is rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Told of each bad record, which is then passed over; without it the first one is thrown. */
  readonly onProblem?: ((problem: DatasetError) => void) | undefined
}

/** What `decode` gives; undefined for a bad record that was told of. @throws {DatasetError} where nobody is told */
export function decodeOrTell<T>({ onProblem }: ReadOptions, decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (onProblem === undefined || !(error instanceof DatasetError)) throw error
    onProblem(error)
    return undefined
  }
}
