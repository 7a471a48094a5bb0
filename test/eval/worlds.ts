/** Small datasets whose best routing is known. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import type { ArmOutcome, Dataset, ModelInfo, PromptRow } from '../../datasets/index.ts'
import { randomStream } from '../../eval/random.ts'

export function datasetOf(
  rows: readonly PromptRow[],
  models: ReadonlyMap<string, ModelInfo> = new Map(),
): Dataset {
  return {
    name: 'synthetic',
    folder: '/nowhere',
    models,
    async *rows() {
      yield* rows
    },
  }
}

export function outcome(quality: number, costUsd: number | undefined): ArmOutcome {
  return { quality, costUsd, inputTokens: undefined, outputTokens: undefined }
}

export function row(
  promptId: string,
  outcomes: Readonly<Record<string, ArmOutcome>>,
  rest: Partial<Omit<PromptRow, 'promptId' | 'outcomes'>> = {},
): PromptRow {
  return {
    promptId,
    split: 'test',
    task: 'task',
    category: 'words',
    prompt: `prompt ${promptId}`,
    ...rest,
    outcomes: new Map(Object.entries(outcomes)),
  }
}

/** Chance of a right answer by class; `scribe` and `adder` are each best at one, `bargain` is cheap. */
const SKILLS = {
  'lab/scribe': { words: 0.9, sums: 0.2, costUsd: 1e-3 },
  'lab/adder': { words: 0.3, sums: 0.9, costUsd: 1e-3 },
  'lab/bargain': { words: 0.5, sums: 0.5, costUsd: 1e-5 },
} as const

/** Two classes, three arms, qualities drawn 0 or 1, every third row of split `test`, the others `train`. */
export function skilledRows(count: number, seed = 1): PromptRow[] {
  const random = randomStream('skilled-rows', seed)
  return Array.from({ length: count }, (_, index) => {
    const category = uniformFloat64(random) < 0.5 ? 'words' : 'sums'
    const outcomes = Object.entries(SKILLS).map(([arm, skill]) => [
      arm,
      outcome(uniformFloat64(random) < skill[category] ? 1 : 0, skill.costUsd),
    ])
    return row(`p${index}`, Object.fromEntries(outcomes), {
      category,
      split: index % 3 === 0 ? 'test' : 'train',
      prompt: category === 'sums' ? `What is ${index} + 1?` : `Describe number ${index}.`,
    })
  })
}
