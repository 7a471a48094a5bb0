/** From any format to one of ours, or to one of Vowpal Wabbit's. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { LoggedDecision } from '../engine/index.ts'
import { toCbAdf } from './bandit/cb-adf.ts'
import { type DecisionOptions, fromDecision, toDecision } from './bandit/decision.ts'
import { banditRowToDsjson } from './bandit/dsjson.ts'
import { readBanditFile } from './bandit/files.ts'
import type { LoggedBanditRow } from './bandit/row.ts'
import { writeRowFile } from './formats/row-files.ts'
import type { Found } from './kinds.ts'
import { logFormatOf, readLogFile, writeLogFile } from './log/files.ts'
import { modelsJson } from './models.ts'
import type { ReadOptions } from './read/options.ts'
import { type Dataset, DatasetError, type PromptRow } from './types.ts'
import { writeJsonLines, writeTexts } from './write/texts.ts'

/** Whether a name is that of a file with rows, rather than of a folder. */
export function isRowFile(out: string): boolean {
  return /\.(jsonl|jsonl\.gz|parquet)$/.test(out)
}

/**
 * Writes rows of outcomes: to a `.jsonl`, `.jsonl.gz` or `.parquet`, or into a folder, which is then a set with a `models.json`.
 *
 * @returns the file with the rows, and how many they are
 * @throws {DatasetError} `dataset_bad_option` for another name; and what reading throws
 */
export async function writeDataset(
  rows: AsyncIterable<PromptRow>,
  { models, folder: from }: Pick<Dataset, 'models' | 'folder'>,
  out: string,
): Promise<{ readonly file: string; readonly rows: number }> {
  const isFile = isRowFile(out)
  if (!isFile && /\.[a-z]+(\.gz)?$/.test(out)) {
    throw new DatasetError(
      'dataset_bad_option',
      `${out}: rows are written to .jsonl, .jsonl.gz or .parquet, or into a folder; end the name so`,
    )
  }
  const folder = isFile ? dirname(out) : out
  const file = isFile ? out : join(out, 'prompts.jsonl.gz')
  await mkdir(folder, { recursive: true })
  const count = await writeRowFile(rows, file)
  // In place, the file that is there may say more than was read of it.
  if (!isFile && models.size > 0 && resolve(folder) !== resolve(from))
    await writeFile(join(folder, 'models.json'), modelsJson(models))
  return { file, rows: count }
}

/**
 * Writes a log as `.jsonl`, `.parquet` (our own), `.dsjson` or `.vw`. Rows that ask not to be scored by are left out of our own formats, which
 * have no word for it.
 *
 * @throws {DatasetError} `dataset_bad_option` for another name, or a row without its whole distribution where one is needed
 */
export async function writeBanditLog(
  rows: AsyncIterable<LoggedBanditRow>,
  out: string,
  options: DecisionOptions = {},
): Promise<number> {
  if (/\.(vw|dat)(\.gz)?$/.test(out)) return await writeTexts(mapAsync(rows, toCbAdf), out)
  const format = logFormatOf(out)
  if (format === 'dsjson') return await writeJsonLines(rows, out, banditRowToDsjson)
  if (format !== undefined) return await writeLogFile(decisions(rows, options), out, format)
  throw new DatasetError(
    'dataset_bad_option',
    `${out}: logs are written as .jsonl, .parquet, .dsjson or .vw; end the name so`,
  )
}

async function* decisions(
  rows: AsyncIterable<LoggedBanditRow>,
  options: DecisionOptions,
): AsyncGenerator<LoggedDecision> {
  for await (const row of rows) if (!row.skipLearn) yield toDecision(row, options)
}

/** A log in a file to another file; our own to our own keeps everything. */
export async function convertLog(
  found: Found,
  out: string,
  options: DecisionOptions & ReadOptions = {},
): Promise<number> {
  if (found.format === 'jsonl' || found.format === 'parquet') {
    return await writeDecisions(readLogFile(found.path, found.format, options), out)
  }
  return await writeBanditLog(readBanditFile(found.path, found.format, options), out, options)
}

/** Decisions of our own log, from a file or a store. */
export async function writeDecisions(log: AsyncIterable<LoggedDecision>, out: string): Promise<number> {
  if (logFormatOf(out) !== undefined) return await writeLogFile(log, out)
  return await writeBanditLog(mapAsync(log, fromDecision), out)
}

async function* mapAsync<T, U>(items: AsyncIterable<T>, map: (item: T) => U): AsyncGenerator<U> {
  for await (const item of items) yield map(item)
}
