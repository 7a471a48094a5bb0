/** Splits made anew: by a hash, so that no prompt is in two, or stratified by class; of logs by time. */
import { hash } from 'node:crypto'
import { Fingerprints } from './fingerprints.ts'
import type { ReadOptions } from './read/options.ts'
import { DEFAULT_SHARES, normalisePrompt, type SplitShares, splitOf } from './split-rule.ts'
import { type Dataset, DatasetError, type PromptRow } from './types.ts'

export interface SplitOptions extends ReadOptions {
  /** @default train 70, test 30 */
  readonly shares?: SplitShares
  /**
   * `id` is the rule of the published sets: SHA-256 of `split-v1:<set>:<id>`. `category` gives each class its shares to the row, in
   * the order of the same hash.
   * @default 'id'
   */
  readonly by?: 'id' | 'category'
  /** What the hash knows the set by. @default the set's name */
  readonly name?: string
}

/** `train=70,test=30`. @throws {DatasetError} `dataset_bad_option` */
export function parseShares(text: string): SplitShares {
  const shares = text.split(',').map((part) => {
    const [name = '', percent = ''] = part.split('=')
    return [name.trim(), Number(percent)] as const
  })
  const sum = shares.reduce((total, [, percent]) => total + percent, 0)
  const names = new Set(shares.map(([name]) => name))
  const isGood = shares.every(([name, percent]) => name !== '' && Number.isInteger(percent) && percent > 0)
  if (isGood && sum === 100 && names.size === shares.length) return shares
  throw new DatasetError(
    'dataset_bad_option',
    `shares: expected names with whole percentages that sum to 100, such as train=70,test=30, got ${JSON.stringify(text)}`,
  )
}

/**
 * The rows with new splits, in their order. Rows whose prompts differ in nothing but white space get the split of the smallest id among
 * them. Reads the set twice, or three times where prompts repeat.
 */
export async function* splitRows(dataset: Dataset, options: SplitOptions = {}): AsyncGenerator<PromptRow> {
  const { shares = DEFAULT_SHARES, by = 'id', name = dataset.name } = options
  const keyOf = await smallestIds(dataset, options)
  const assign =
    by === 'id'
      ? (row: PromptRow) => splitOf(name, keyOf(row), shares)
      : await stratified(dataset, options, shares, name, keyOf)
  for await (const row of dataset.rows(options)) yield { ...row, split: assign(row) }
}

type KeyOf = (row: PromptRow) => string

/** The smallest id among the rows of the same prompt. Only prompts that repeat are held. */
async function smallestIds(dataset: Dataset, options: ReadOptions): Promise<KeyOf> {
  const seen = new Fingerprints()
  const repeated = new Map<string, string>()
  for await (const { prompt } of dataset.rows(options)) {
    const normal = normalisePrompt(prompt)
    if (seen.add(normal, 0) !== undefined) repeated.set(hash('sha256', normal), '')
  }
  if (repeated.size === 0) return ({ promptId }) => promptId
  for await (const { prompt, promptId } of dataset.rows(options)) {
    const key = hash('sha256', normalisePrompt(prompt))
    const smallest = repeated.get(key)
    if (smallest !== undefined && (smallest === '' || promptId < smallest)) repeated.set(key, promptId)
  }
  return ({ prompt, promptId }) => repeated.get(hash('sha256', normalisePrompt(prompt))) ?? promptId
}

/** A key belongs to the class of its first row. Holds eight bytes a prompt. */
async function stratified(
  dataset: Dataset,
  options: ReadOptions,
  shares: SplitShares,
  name: string,
  keyOf: KeyOf,
): Promise<(row: PromptRow) => string> {
  const drawOf = (key: string): number =>
    Number.parseInt(hash('sha256', `split-v1:${name}:${key}`).slice(0, 13), 16)
  const draws = new Map<string, number[]>()
  const classes: string[] = []
  const classOf = new Fingerprints()
  for await (const row of dataset.rows(options)) {
    const key = keyOf(row)
    if (!draws.has(row.category)) classes.push(row.category)
    const ofClass = draws.get(row.category) ?? []
    draws.set(row.category, ofClass)
    if (classOf.add(key, classes.indexOf(row.category)) === undefined) ofClass.push(drawOf(key))
  }
  // The draw below which each split lies, by class.
  const bounds = new Map<string, readonly (readonly [number, string])[]>()
  for (const [category, ofClass] of draws) {
    const sorted = Float64Array.from(ofClass).sort()
    let upTo = 0
    const ends = shares.map(([split, percent]) => {
      upTo += percent
      return [sorted[Math.round((sorted.length * upTo) / 100)] ?? Infinity, split] as const
    })
    bounds.set(category, ends)
  }
  return (row) => {
    const key = keyOf(row)
    const draw = drawOf(key)
    const ends = bounds.get(classes[classOf.get(key) ?? 0] ?? '') ?? []
    return ends.find(([end]) => draw < end)?.[1] ?? shares.at(-1)?.[0] ?? ''
  }
}

/** Which split each time belongs to, so that the shares of the times come one after the other; equal times stay together. */
export function timeSplits(timesMs: readonly number[], shares: SplitShares): (atMs: number) => string {
  const sorted = Float64Array.from(timesMs).sort()
  let upTo = 0
  const ends = shares.map(([split, percent]) => {
    upTo += percent
    return [sorted[Math.round((sorted.length * upTo) / 100)] ?? Infinity, split] as const
  })
  return (atMs) => ends.find(([end]) => atMs < end)?.[1] ?? shares.at(-1)?.[0] ?? ''
}
