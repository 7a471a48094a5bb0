/** Logged bandits in files, in whichever format. */
import type { LoggedDecision } from '../../engine/index.ts'
import { LOG_FORMATS, logFormatOf, readLogFile } from '../log/files.ts'
import { csvColumns } from '../read/csv.ts'
import { decodeOrTell, type ReadOptions } from '../read/options.ts'
import { DatasetError } from '../types.ts'
import { readCbAdf } from './cb-adf.ts'
import { fromDecision } from './decision.ts'
import { rowsOfDsjson } from './dsjson.ts'
import { readDsjsonLines } from './dsjson-lines.ts'
import { isOpenBandit, readOpenBandit } from './open-bandit.ts'
import type { LoggedBanditRow } from './row.ts'

/** `jsonl` and `parquet` are Highwayman's own log. */
export const BANDIT_FORMATS = ['open-bandit', 'cb-adf', ...LOG_FORMATS] as const
export type BanditFormat = (typeof BANDIT_FORMATS)[number]

/** By the end of the name, and of CSV by its header: `.csv`, `.vw`, `.dsjson`, `.jsonl`, each also `.gz`, and `.parquet`. */
export async function banditFormatOf(path: string): Promise<BanditFormat | undefined> {
  if (/\.csv(\.gz)?$/.test(path)) return isOpenBandit(await csvColumns(path)) ? 'open-bandit' : undefined
  if (/\.(vw|dat)(\.gz)?$/.test(path)) return 'cb-adf'
  return logFormatOf(path)
}

/**
 * The rows of a file in its order, each one validated, in bounded memory.
 *
 * @param format default: by the file's name and header
 * @throws {DatasetError} `dataset_unreadable`, also for a file that is in no known format; `dataset_bad_line` naming file, line and
 * field; `dataset_not_found` for an Open Bandit log without its items
 */
export async function* readBanditFile(
  path: string,
  format?: BanditFormat,
  options: ReadOptions = {},
): AsyncGenerator<LoggedBanditRow> {
  const known = format ?? (await banditFormatOf(path))
  if (known === 'open-bandit') yield* readOpenBandit(path, options)
  else if (known === 'cb-adf') yield* readCbAdf(path, options)
  else if (known === 'dsjson') yield* readDsjson(path, options)
  else if (known !== undefined) yield* rowsOfLog(path, readLogFile(path, known, options), options)
  else {
    throw new DatasetError(
      'dataset_unreadable',
      `${path}: not a log of a known format; end its name in .vw, .dsjson, .jsonl or .parquet, or name the format (${BANDIT_FORMATS.join(', ')}); a .csv needs Open Bandit's columns`,
    )
  }
}

async function* readDsjson(path: string, options: ReadOptions): AsyncGenerator<LoggedBanditRow> {
  for await (const rows of readDsjsonLines(path, rowsOfDsjson, options)) yield* rows
}

async function* rowsOfLog(
  path: string,
  decisions: AsyncIterable<LoggedDecision>,
  options: ReadOptions,
): AsyncGenerator<LoggedBanditRow> {
  for await (const decision of decisions) {
    const row = decodeOrTell(options, () => {
      if (decision.propensity > 0) return fromDecision(decision)
      throw new DatasetError(
        'dataset_bad_line',
        `${path} ${decision.id}: expected a propensity above 0, got 0`,
      )
    })
    if (row !== undefined) yield row
  }
}
