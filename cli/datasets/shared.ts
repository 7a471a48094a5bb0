/** What the commands about datasets share: finding the set, and tables of text. */
import { basename, resolve } from 'node:path'
import {
  bundledFolder,
  type Dataset,
  type Found,
  findAt,
  joinLatency,
  listBundledDatasets,
  openDataset,
  readLatencyFile,
  summarizeLatencies,
} from '../../datasets/index.ts'

export interface LatencyFlags {
  readonly joinLatency?: string
  readonly latencyOf?: readonly (readonly [string, string])[]
}

/** The sets that a name or path stands for. @throws {DatasetError} */
export async function foundAt(nameOrPath: string): Promise<readonly Found[]> {
  const isBundled = (await listBundledDatasets()).includes(nameOrPath)
  return await findAt(isBundled ? bundledFolder(nameOrPath) : resolve(nameOrPath))
}

/** One set of outcomes, with latencies joined where the flags ask for it. @throws {DatasetError} */
export async function datasetWithLatency(path: string, flags: LatencyFlags): Promise<Dataset> {
  const dataset = await openDataset(path)
  if (flags.joinLatency === undefined) return dataset
  const arms = new Set<string>()
  for await (const { outcomes } of dataset.rows()) for (const arm of outcomes.keys()) arms.add(arm)
  const measured = await summarizeLatencies(readLatencyFile(flags.joinLatency))
  const source = basename(flags.joinLatency)
  return joinLatency(dataset, [...arms], measured, source, new Map(flags.latencyOf ?? []))
}

/** What the output says of latencies: nothing was observed unless the set says so. */
export function latencyLine(flags: LatencyFlags, dataset: Dataset): string {
  if (flags.joinLatency !== undefined) return `joined from ${flags.joinLatency}, not observed`
  const models = [...dataset.models.values()].filter(({ latency }) => latency !== undefined)
  if (models.length === 0) return 'none'
  const joined = models.find(({ latencySource }) => latencySource !== undefined)
  return joined?.latencySource ?? 'of the set'
}

/** Columns of text, those in `right` set to the right. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const widths = header.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return [header, ...rows].map((cells) => `${line(cells)}\n`).join('')
}

/** To four significant places, and never in the exponential form for what is only small. */
export function short(value: number | undefined, digits = 4): string {
  if (value === undefined) return '–'
  return value === 0 || Math.abs(value) >= 1e-4 ? value.toFixed(digits) : value.toExponential(2)
}
