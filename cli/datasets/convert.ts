/** `highwayman datasets convert` and `split`. */
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  convertLog,
  type Dataset,
  DatasetError,
  type Found,
  isRowFile,
  type LoggedBanditRow,
  openDataset,
  type PromptRow,
  parseShares,
  readBanditFile,
  splitRows,
  timeSplits,
  writeBanditLog,
  writeDataset,
  writeDecisions,
} from '../../datasets/index.ts'
import { type StoreFlags, withStore } from '../configured-store.ts'
import { type Output, print } from '../run.ts'
import { datasetWithLatency, foundAt, type LatencyFlags, latencyLine } from './shared.ts'

interface ConvertFlags extends Output, StoreFlags, LatencyFlags {
  readonly in: string
  readonly out: string
  readonly split?: string
  readonly spreadPropensity?: boolean
  readonly dimensions: number
  readonly from?: number
  readonly to?: number
  readonly tenant?: string
}

export async function convertSet(flags: ConvertFlags): Promise<void> {
  const { in: from, out } = flags
  if (from === 'store') {
    const { from: fromMs = 0, to: toMs = Date.now(), tenant } = flags
    const rows = await withStore(flags, (store) =>
      writeDecisions(store.readLog({ fromMs, toMs, tenant }), out),
    )
    return say(flags, { in: from, out, kind: 'log', rows })
  }
  const found = await oneAt(from)
  if (found.kind === 'outcomes') {
    if (flags.joinLatency !== undefined && isRowFile(out)) {
      throw badOption(
        `${out}: a joined latency is kept in models.json, which a file has no place for; give a folder`,
      )
    }
    const dataset = await datasetWithLatency(found.path, flags)
    const { file, rows } = await writeDataset(ofSplit(dataset, flags.split), dataset, out)
    // A file has no place for them, and what is replayed without its prices is replayed otherwise.
    const left =
      dataset.models.size > 0 && file === out
        ? { prices: 'stay behind with models.json; a folder keeps them' }
        : {}
    return say(flags, {
      in: from,
      out: file,
      kind: 'outcomes',
      rows,
      latency: latencyLine(flags, dataset),
      ...left,
    })
  }
  if (found.kind === 'log') {
    const { dimensions, spreadPropensity: spread = false } = flags
    const rows = await convertLog(found, out, { dimensions, spread })
    const propensities = spread
      ? { propensity: 'the taken action’s as logged, the others’ assumed to be equal' }
      : {}
    return say(flags, { in: from, out, kind: 'log', rows, ...propensities })
  }
  throw badOption(`${from} holds ${found.kind}, which there is no other format for`)
}

function say(flags: Output, { in: from, out, kind, rows, ...more }: Readonly<Record<string, unknown>>): void {
  if (flags.json) {
    print({ in: from, out, kind, rows, ...more })
    return
  }
  const notes = Object.entries(more).map(([name, value]) => `${name}: ${value}\n`)
  process.stdout.write(`${out}: ${rows} rows of ${from}\n${notes.join('')}`)
}

async function* ofSplit(dataset: Dataset, split: string | undefined): AsyncGenerator<PromptRow> {
  for await (const row of dataset.rows()) if (split === undefined || row.split === split) yield row
}

async function oneAt(path: string): Promise<Found> {
  const [found, ...more] = await foundAt(path)
  if (found !== undefined && more.length === 0) return found
  const names = [found, ...more].map((one) => basename(one?.path ?? '')).join(', ')
  throw badOption(`${path} holds several sets; give one of ${names}`)
}

interface SplitFlags extends Output {
  readonly in: string
  readonly out: string
  readonly shares: string
  readonly by?: 'id' | 'category' | 'time'
  readonly name?: string
  readonly format: string
  readonly spreadPropensity?: boolean
}

export async function splitSet(flags: SplitFlags): Promise<void> {
  const found = await oneAt(flags.in)
  const counts = new Map<string, number>()
  if (found.kind === 'outcomes') {
    if (flags.by === 'time') throw badOption('by: rows of outcomes have no times; expected id or category')
    const dataset = await openDataset(found.path)
    const rows = splitRows(dataset, {
      shares: parseShares(flags.shares),
      by: flags.by ?? 'id',
      ...(flags.name !== undefined && { name: flags.name }),
    })
    await writeDataset(counting(rows, counts), dataset, flags.out)
  } else if (found.kind === 'log') await splitLog(found, flags, counts)
  else throw badOption(`${flags.in} holds ${found.kind}, which there is nothing to split of`)
  if (flags.json) return print({ in: flags.in, out: flags.out, splits: Object.fromEntries(counts) })
  const lines = [...counts].map(([split, rows]) => `  ${split.padEnd(10)} ${rows}`)
  process.stdout.write(`${flags.out}: splits of ${flags.in}\n${lines.join('\n')}\n`)
}

async function* counting(
  rows: AsyncIterable<PromptRow>,
  counts: Map<string, number>,
): AsyncGenerator<PromptRow> {
  for await (const row of rows) {
    counts.set(row.split, (counts.get(row.split) ?? 0) + 1)
    yield row
  }
}

/** A file for each split, one after the other in time. */
async function splitLog(found: Found, flags: SplitFlags, counts: Map<string, number>): Promise<void> {
  if (flags.by !== undefined && flags.by !== 'time') throw badOption('by: logs are split by time')
  const shares = parseShares(flags.shares)
  const times: number[] = []
  for await (const { id, atMs } of readBanditFile(found.path, found.format)) {
    if (atMs === undefined) throw badOption(`${found.path} ${id}: has no time to split by`)
    times.push(atMs)
  }
  const splitAt = timeSplits(times, shares)
  await mkdir(flags.out, { recursive: true })
  for (const [split] of shares) {
    async function* ofSplit(): AsyncGenerator<LoggedBanditRow> {
      for await (const row of readBanditFile(found.path, found.format)) {
        if (splitAt(row.atMs ?? 0) === split) yield row
      }
    }
    const out = join(flags.out, `${split}.${flags.format}`)
    counts.set(split, await writeBanditLog(ofSplit(), out, { spread: flags.spreadPropensity === true }))
  }
}

function badOption(message: string): DatasetError {
  return new DatasetError('dataset_bad_option', message)
}
