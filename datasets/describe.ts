/** What is in a set of outcomes, in one pass and bounded memory. */
import { Fingerprints } from './fingerprints.ts'
import type { ReadOptions } from './read/options.ts'
import { normalisePrompt } from './split-rule.ts'
import type { Dataset, LatencyModel, PromptRow } from './types.ts'

const EXAMPLES_MAX = 5

export interface ArmSummary {
  readonly arm: string
  /** Rows with an outcome of the arm, and without. */
  readonly rows: number
  readonly missing: number
  readonly quality: number
  /** Mean over the rows that tell a cost; undefined: none does. */
  readonly costUsd: number | undefined
  readonly withoutCost: number
  readonly latency: LatencyModel | undefined
  /** `observed`, or what was joined. */
  readonly latencySource: string | undefined
}

export interface DatasetSummary {
  readonly rows: number
  /** By mean quality, the highest first. */
  readonly arms: readonly ArmSummary[]
  readonly splits: Readonly<Record<string, number>>
  readonly tasks: Readonly<Record<string, number>>
  /** Request classes, the most frequent first. */
  readonly classes: Readonly<Record<string, number>>
  readonly contaminated: number
  readonly promptChars: { readonly mean: number; readonly max: number }
  /** Rows whose prompt, but for white space, an earlier row has; and those of them whose earlier row is in another split: leaks. */
  readonly duplicates: {
    readonly rows: number
    readonly acrossSplits: number
    readonly examples: readonly Leak[]
  }
}

export interface Leak {
  readonly promptId: string
  readonly split: string
  /** The split of the first row with this prompt. */
  readonly otherSplit: string
}

/** @throws {DatasetError} what reading throws */
export async function describeDataset(dataset: Dataset, options: ReadOptions = {}): Promise<DatasetSummary> {
  const summary = new Summary()
  for await (const row of dataset.rows(options)) summary.add(row)
  return summary.get(dataset)
}

interface ArmSums {
  rows: number
  quality: number
  cost: number
  withCost: number
}

/** Sums over rows. */
class Summary {
  #rows = 0
  #contaminated = 0
  #chars = 0
  #charsMax = 0
  #duplicates = 0
  #leaks = 0
  readonly #examples: Leak[] = []
  readonly #arms = new Map<string, ArmSums>()
  readonly #splits = new Map<string, number>()
  readonly #splitNames: string[] = []
  readonly #splitIndex = new Map<string, number>()
  readonly #tasks = new Map<string, number>()
  readonly #classes = new Map<string, number>()
  /** The index of the split of each prompt's first row. */
  readonly #prompts = new Fingerprints()

  add(row: PromptRow): void {
    this.#rows += 1
    if (row.contaminated === true) this.#contaminated += 1
    this.#chars += row.prompt.length
    this.#charsMax = Math.max(this.#charsMax, row.prompt.length)
    count(this.#splits, row.split)
    count(this.#tasks, row.task)
    count(this.#classes, row.category)
    this.#compare(row)
    for (const [arm, { quality, costUsd }] of row.outcomes) {
      const sums = this.#arms.get(arm) ?? { rows: 0, quality: 0, cost: 0, withCost: 0 }
      this.#arms.set(arm, sums)
      sums.rows += 1
      sums.quality += quality
      if (costUsd === undefined) continue
      sums.cost += costUsd
      sums.withCost += 1
    }
  }

  #compare({ prompt, promptId, split }: PromptRow): void {
    const index = this.#splitIndex.get(split) ?? this.#splitNames.push(split) - 1
    this.#splitIndex.set(split, index)
    const earlier = this.#prompts.add(normalisePrompt(prompt), index)
    if (earlier === undefined) return
    this.#duplicates += 1
    const otherSplit = this.#splitNames[earlier] ?? ''
    if (otherSplit === split) return
    this.#leaks += 1
    if (this.#examples.length < EXAMPLES_MAX) this.#examples.push({ promptId, split, otherSplit })
  }

  get({ models }: Dataset): DatasetSummary {
    const arms = [...this.#arms].map(([arm, sums]): ArmSummary => {
      const model = models.get(arm)
      return {
        arm,
        rows: sums.rows,
        missing: this.#rows - sums.rows,
        quality: sums.quality / sums.rows,
        costUsd: sums.withCost === 0 ? undefined : sums.cost / sums.withCost,
        withoutCost: sums.rows - sums.withCost,
        latency: model?.latency,
        latencySource: model?.latency && (model.latencySource ?? 'observed'),
      }
    })
    return {
      rows: this.#rows,
      arms: arms.sort((a, b) => b.quality - a.quality),
      splits: Object.fromEntries(this.#splits),
      tasks: frequentFirst(this.#tasks),
      classes: frequentFirst(this.#classes),
      contaminated: this.#contaminated,
      promptChars: { mean: this.#chars / this.#rows, max: this.#charsMax },
      duplicates: { rows: this.#duplicates, acrossSplits: this.#leaks, examples: this.#examples },
    }
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function frequentFirst(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a))
}
