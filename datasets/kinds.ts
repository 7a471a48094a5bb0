/** What lies at a path: outcomes of every arm, a log of a bandit, measured latencies or arrivals; told by names, headers and first lines. */
import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { areArrivalColumns } from './arrivals.ts'
import { type BanditFormat, banditFormatOf } from './bandit/files.ts'
import { isOpenBandit } from './bandit/open-bandit.ts'
import { sourceAt } from './formats/detect.ts'
import { isMappingName } from './formats/mapping.ts'
import { readJsonLines } from './read/json-lines.ts'
import { openTable, tableFormatOf } from './read/table.ts'
import { DatasetError } from './types.ts'

export const DATASET_KINDS = ['outcomes', 'log', 'latency', 'arrivals'] as const
export type DatasetKind = (typeof DATASET_KINDS)[number]

/** As `policy/campaign/file` of the Open Bandit Dataset. */
const FOLDERS_DEEP = 3

export interface Found {
  readonly path: string
  readonly kind: DatasetKind
  /** Of a log. */
  readonly format?: BanditFormat | undefined
}

/**
 * The sets at a path: itself, or what is in a folder that is no set of outcomes.
 *
 * @throws {DatasetError} `dataset_not_found` where there is none, and what opening throws
 */
export async function findAt(path: string): Promise<readonly Found[]> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw new DatasetError('dataset_not_found', `no file or folder ${path}`)
  if (!found.isDirectory()) return [await kindOfFile(path)]
  const sets = await setsIn(path, FOLDERS_DEEP)
  if (sets.length > 0) return sets
  throw new DatasetError('dataset_not_found', `${path} holds no set in a format that is known`)
}

/** The folder where it is meant as a set of outcomes, else its files and folders that are sets. */
async function setsIn(folder: string, deep: number): Promise<readonly Found[]> {
  if (await isMeantAsOutcomes(folder)) return [{ path: folder, kind: 'outcomes' }]
  const sets: Found[] = []
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.map(({ name }) => name).filter((name) => !name.startsWith('.'))
  for (const name of names.sort()) {
    const path = join(folder, name)
    if (entries.some((entry) => entry.name === name && entry.isDirectory())) {
      if (deep > 0) sets.push(...(await setsIn(path, deep - 1)))
      continue
    }
    // A mapping beside its table is told with the table.
    const isBeside = isMappingName(name) && names.some((other) => mappingsOf(other).includes(name))
    if (isBeside) continue
    const isMapped = isMappingName(name) || mappingsOf(name).some((mapping) => names.includes(mapping))
    const known = await kindOfFile(path).catch((error: unknown) => {
      const isOther = notASet(error)
      // Somebody meant it: reading it tells what is wrong.
      return isMapped ? ({ path, kind: 'outcomes' } as const) : isOther
    })
    if (known !== undefined) sets.push(known)
  }
  return sets
}

async function isMeantAsOutcomes(folder: string): Promise<boolean> {
  try {
    await sourceAt(folder)
    return true
  } catch (error) {
    if (!(error instanceof DatasetError)) throw error
    return error.code !== 'dataset_not_found'
  }
}

/** A file of a folder that is simply something else. */
function notASet(error: unknown): undefined {
  const codes = ['dataset_not_found', 'dataset_bad_mapping', 'dataset_unreadable', 'dataset_bad_line']
  if (error instanceof DatasetError && codes.includes(error.code)) return undefined
  throw error
}

/** What a mapping for this table alone would be called. */
function mappingsOf(file: string): readonly string[] {
  if (tableFormatOf(file) === undefined) return []
  const stem = file.replace(/\.[a-z]+(\.gz)?$/, '')
  return ['yaml', 'yml', 'json'].map((ending) => `${stem}.mapping.${ending}`)
}

async function kindOfFile(path: string): Promise<Found> {
  const format = await banditFormatOf(path)
  if (format === 'cb-adf' || format === 'dsjson' || format === 'open-bandit')
    return { path, kind: 'log', format }
  const table = isMappingName(path) ? undefined : tableFormatOf(path)
  if (table === 'jsonl' && !mappingsOf(path).some((mapping) => existsSync(mapping)))
    return { path, ...(await kindOfJsonLines(path)) }
  if (table === 'csv' || table === 'parquet') {
    const columns = (await openTable(path, table)).columns ?? []
    if (areArrivalColumns(columns)) return { path, kind: 'arrivals' }
    if (isOpenBandit(columns)) return { path, kind: 'log', format: 'open-bandit' }
    if (['decision_id', 'eligible', 'propensity'].every((name) => columns.includes(name)))
      return { path, kind: 'log', format: 'parquet' }
  }
  // Throws where it is none.
  await sourceAt(path)
  return { path, kind: 'outcomes' }
}

/** By the fields of the first line; a line that tells nothing is taken for outcomes, whose reader says what is missing. */
async function kindOfJsonLines(path: string): Promise<Omit<Found, 'path'>> {
  for await (const json of readJsonLines(path, (value) => value)) {
    const has = (name: string): boolean => typeof json === 'object' && json !== null && name in json
    if (has('decision_id') && has('propensity')) return { kind: 'log', format: 'jsonl' }
    if (has('c') && (has('a') || has('_label_cost') || has('_outcomes')))
      return { kind: 'log', format: 'dsjson' }
    if (has('ttft_s') && has('e2e_latency_s')) return { kind: 'latency' }
    if (has('input_length') && has('output_length')) return { kind: 'arrivals' }
    break
  }
  return { kind: 'outcomes' }
}
