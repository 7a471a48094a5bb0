/** Everything that is wrong with a set, up to a bound, and what is only odd about it. */
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readArrivals } from './arrivals.ts'
import { readBanditFile } from './bandit/files.ts'
import { describeDataset } from './describe.ts'
import type { Found } from './kinds.ts'
import { readLatencyFile } from './latency-set.ts'
import { openDataset } from './loader.ts'
import type { ReadOptions } from './read/options.ts'
import { DatasetError } from './types.ts'

export interface Validation {
  /** Records that are sound. */
  readonly rows: number
  /** The first ones, each with file, line and field. */
  readonly problems: readonly string[]
  /** True: there are more, which were not looked for. */
  readonly more: boolean
  /** What can be read and should be looked at. */
  readonly warnings: readonly string[]
}

class Enough extends Error {}

/** @param maxProblems the reading ends at the first one beyond @throws what is not about the data: an abort, a missing folder */
export async function validateSet(
  found: Found,
  maxProblems: number,
  signal?: AbortSignal,
): Promise<Validation> {
  const problems: string[] = []
  const onProblem = (problem: DatasetError): void => {
    for (const message of [problem.message, ...problem.more]) {
      if (problems.length >= maxProblems) throw new Enough()
      problems.push(message)
    }
  }
  const options = { signal, onProblem }
  let rows = 0
  let warnings: readonly string[] = []
  let more = false
  try {
    if (found.kind === 'outcomes') [rows, warnings] = await checkOutcomes(found, options)
    else for await (const _ of recordsOf(found, options)) rows += 1
    if (rows === 0 && problems.length === 0) problems.push(`${found.path}: no rows`)
  } catch (error) {
    if (error instanceof Enough) more = true
    else if (error instanceof DatasetError) problems.push(error.message, ...error.more)
    else throw error
  }
  return { rows, problems, more, warnings }
}

function recordsOf(found: Found, options: ReadOptions): AsyncIterable<unknown> {
  if (found.kind === 'log') return readBanditFile(found.path, found.format, options)
  return found.kind === 'latency' ? readLatencyFile(found.path, options) : readArrivals(found.path, options)
}

async function checkOutcomes(
  found: Found,
  options: ReadOptions,
): Promise<readonly [number, readonly string[]]> {
  const dataset = await openDataset(pathOf(found.path))
  const { rows, arms, duplicates, splits } = await describeDataset(dataset, options)
  const names = new Set(arms.map(({ arm }) => arm))
  const isFolder = (await stat(found.path)).isDirectory()
  const models = join(isFolder ? found.path : dirname(found.path), 'models.json')
  const warnings = [
    ...duplicates.examples.map(
      ({ promptId, split, otherSplit }) =>
        `${promptId}: a row of ${otherSplit} has the same prompt, and this is in ${split}`,
    ),
    ...(duplicates.acrossSplits > duplicates.examples.length
      ? [`${duplicates.acrossSplits} rows have the prompt of a row in another split`]
      : []),
    ...[...dataset.models.keys()]
      .filter((arm) => !names.has(arm))
      .map((arm) => `${models}: ${arm} has no outcome in any row`),
    ...(arms.length === 1 ? [`only one arm, ${arms[0]?.arm}: there is nothing to choose`] : []),
    ...(rows > 0 && splits['test'] === undefined ? ['no row in the split test'] : []),
    ...arms
      .filter(({ withoutCost }) => withoutCost > 0)
      .map(({ arm, rows: of, withoutCost }) => `${arm}: ${withoutCost} of ${of} outcomes tell no cost`),
  ]
  return [rows, warnings]
}

/** As a path: a bundled name would win over a folder of that name. */
function pathOf(path: string): string {
  return path.includes('/') || path.includes('\\') ? path : `./${path}`
}
