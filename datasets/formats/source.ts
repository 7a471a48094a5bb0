/** Rows of a set as a format's reader gives them; ids are compared, and empty sets refused, by who opens the set. */
import type { ReadOptions } from '../read/options.ts'
import type { PromptRow } from '../types.ts'

/** Formats that tell every arm's outcome for each prompt. */
export const DATASET_FORMATS = ['rows', 'routerbench', 'routellm', 'mapped'] as const
export type DatasetFormat = (typeof DATASET_FORMATS)[number]

export interface LocatedRow {
  readonly row: PromptRow
  /** `file:line` */
  readonly where: string
  /** Line or row within its file, counted from 1. */
  readonly number: number
}

export interface RowSource {
  readonly name: string
  readonly format: DatasetFormat
  /** Whose rows are read, in this order. */
  readonly files: readonly string[]
  /** Licence of the data where the source tells it. */
  readonly licence?: string | undefined
  rows(options: ReadOptions): AsyncGenerator<LocatedRow>
}
