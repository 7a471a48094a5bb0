/**
 * How often central 90 % intervals of what the heads believe hold what was seen on rows they did not learn from.
 *
 * Two kinds of interval, for two kinds of question. *Single*: of one outcome, μ ± z·√(σ² + sd²); it is what latencies, lengths and graded
 * scores are asked for. *Mean*: of the mean outcome of the held-out rows of one class and arm, μ(x̄) ± z·√(sd(x̄)² + σ²/n). That is what a
 * right-or-wrong outcome is asked for: an interval of a single one either holds both values or misses one of them.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { openDataset } from '../../datasets/index.ts'
import type { LinearHeadName } from '../../engine/arm-model.ts'
import { createArmModel, createSharedPrior, interceptMean, linearHeadOf } from '../../engine/arm-model.ts'
import {
  createFeatureSpace,
  DEFAULT_HALF_LIFE_MS,
  DEFAULT_PRIOR,
  describeRequest,
  type FeatureSpace,
} from '../../engine/index.ts'
import { nonZeros } from '../../engine/linalg.ts'
import type { LinearHead, LinearPrediction } from '../../engine/linear-head.ts'
import { seeded } from './engine.ts'
import { sharedPath } from './shared.ts'

/** Of a central 90 % interval of a normal distribution. */
const Z = 1.6448536269514722
const STEP_MS = 1_000
const CHARS_PER_TOKEN = 4
/** Fewer held-out rows say nothing of a mean: a right-or-wrong mean of them is no Gaussian. */
const LEAST_ROWS_OF_A_MEAN = 20

export interface Example {
  readonly arm: string
  readonly requestClass: string
  readonly x: Float64Array
  /** On the head's scale. */
  readonly y: number
}

export interface HeldOut {
  readonly space: FeatureSpace
  readonly train: readonly Example[]
  readonly test: readonly Example[]
}

export interface Coverage {
  /** Intervals looked at. */
  readonly n: number
  /** Share that held what was seen. */
  readonly covered: number
  /** Arm with the smallest and the largest share, of arms with 50 intervals or more; undefined without any. */
  readonly worst: readonly [lo: number, hi: number] | undefined
}

/** Learns as a router does: heads, prior shared by the arms, watch for changes. One example a second. */
export function learnHeads(
  { space, train }: HeldOut,
  head: LinearHeadName,
): (arm: string, x: Float64Array) => LinearPrediction {
  const shared = createSharedPrior(head, space)
  const prior = { ...DEFAULT_PRIOR, quality: 0.5 }
  const heads = new Map<string, LinearHead>()
  const members = () =>
    [...heads.values()].map((each) => ({ head: each, interceptMean: interceptMean(prior, head) }))
  const headOf = (arm: string): LinearHead => {
    const known = heads.get(arm)
    if (known !== undefined) return known
    const model = createArmModel(prior, DEFAULT_HALF_LIFE_MS, () => shared)
    const created = linearHeadOf(model, head)
    heads.set(arm, created)
    return created
  }
  let atMs = 0
  for (const { arm, x, y } of train) {
    atMs += STEP_MS
    headOf(arm).observe(x, nonZeros(x, x.length), y, 1, atMs)
    if (shared.count()) shared.refit(members(), atMs)
  }
  return (arm, x) => headOf(arm).predict(x, nonZeros(x, x.length), atMs)
}

/** Of single outcomes. */
export function coverageOfSingles(heldOut: HeldOut, head: LinearHeadName): Coverage {
  const predict = learnHeads(heldOut, head)
  return coverage(
    heldOut.test.map(({ arm, x, y }) => {
      const { mean, sd, noiseVariance } = predict(arm, x)
      return { arm, covered: Math.abs(y - mean) <= Z * Math.sqrt(noiseVariance + sd * sd) }
    }),
  )
}

/**
 * Of the means over the held-out rows of one arm and class.
 *
 * @param classes those that rows to learn from were of, or those that none was of: of these an arm's answers to other classes
 *   say something only as far as it is as good at all of them as its fellows
 */
export function coverageOfMeans(
  heldOut: HeldOut,
  head: LinearHeadName,
  classes: 'learnt' | 'never-learnt' = 'learnt',
): Coverage {
  const predict = learnHeads(heldOut, head)
  const learnt = new Set(heldOut.train.map(({ requestClass }) => requestClass))
  const rows = heldOut.test.filter(({ requestClass }) => learnt.has(requestClass) === (classes === 'learnt'))
  const cells = Map.groupBy(rows, ({ arm, requestClass }) => JSON.stringify([arm, requestClass]))
  return coverage(
    [...cells.values()]
      .filter((rows) => rows.length >= LEAST_ROWS_OF_A_MEAN)
      .map((rows) => {
        const n = rows.length
        const x = rows[0]!.x.map((_, i) => rows.reduce((sum, row) => sum + row.x[i]!, 0) / n)
        const seen = rows.reduce((sum, row) => sum + row.y, 0) / n
        const { mean, sd, noiseVariance } = predict(rows[0]!.arm, x)
        const covered = Math.abs(seen - mean) <= Z * Math.sqrt(sd * sd + noiseVariance / n)
        return { arm: rows[0]!.arm, covered }
      }),
  )
}

function coverage(intervals: readonly { readonly arm: string; readonly covered: boolean }[]): Coverage {
  const share = (of: typeof intervals) => of.filter(({ covered }) => covered).length / of.length
  const byArm = [...Map.groupBy(intervals, ({ arm }) => arm).values()]
    .filter((of) => of.length >= 50)
    .map(share)
  return {
    n: intervals.length,
    covered: share(intervals),
    worst: byArm.length > 0 ? [Math.min(...byArm), Math.max(...byArm)] : undefined,
  }
}

/**
 * What a router sees of the split `train`: each row, in an order drawn by `seed`, answered by one arm drawn at random. Held out are the
 * answers of all arms to the other rows. (Were a hard row to teach all arms at once, they would err together, and the prior they share
 * would take it for what they have in common.)
 *
 * @param most rows to learn from
 */
export async function datasetExamples(
  set: string,
  classBy: 'category' | 'task',
  of: 'quality' | 'output_tokens',
  seed: number,
  most = Number.POSITIVE_INFINITY,
): Promise<HeldOut> {
  const dataset = await openDataset(sharedPath('data', set))
  const rows = []
  for await (const row of dataset.rows()) if (row.contaminated !== true) rows.push(row)
  const space = createFeatureSpace({ classes: [...new Set(rows.map((row) => row[classBy]))].sort() })
  const parts: { train: Example[][]; test: Example[][] } = { train: [], test: [] }
  for (const row of rows) {
    const promptTokens = Math.ceil(row.prompt.length / CHARS_PER_TOKEN)
    const requestClass = row[classBy]
    const facts = describeRequest({
      messages: [{ role: 'user', text: row.prompt }],
      promptTokens,
      requestClass,
    })
    const x = space.vector(facts).subarray(0, space.servingDimension)
    const examples = [...row.outcomes].flatMap(([arm, { quality, outputTokens }]): Example[] => {
      if (of === 'quality') return [{ arm, requestClass, x, y: quality }]
      return outputTokens !== undefined && outputTokens > 0
        ? [{ arm, requestClass, x, y: Math.log(outputTokens) }]
        : []
    })
    parts[row.split === 'train' ? 'train' : 'test'].push(examples)
  }
  const uniform = seeded(seed + 1_000)
  return {
    space,
    train: shuffled(parts.train, seed)
      .slice(0, most)
      .flatMap((answers) => answers.slice(Math.floor(uniform() * answers.length)).slice(0, 1)),
    test: parts.test.flat(),
  }
}

interface LatencyRow {
  readonly provider: string
  readonly model: string
  readonly ttft_s: number | null
  readonly e2e_latency_s: number | null
  readonly input_tokens: number
  readonly output_tokens: number | null
  readonly error_code: number | null
}

/** Requests to hosted providers that answered, in the order they were made; every third is held out. */
export function latencyExamples(of: 'ttft' | 'tpot'): HeldOut {
  const text = gunzipSync(readFileSync(sharedPath('data', 'latency-llmperf', 'requests.jsonl.gz'))).toString()
  const space = createFeatureSpace()
  const train: Example[] = []
  const test: Example[] = []
  const seenOf = new Map<string, number>()
  for (const line of text.trimEnd().split('\n')) {
    const row = JSON.parse(line) as LatencyRow
    const { ttft_s: ttft, e2e_latency_s: total, output_tokens: tokens } = row
    if (row.error_code !== null || !ttft || !total || !tokens || total <= ttft) continue
    const arm = `${row.provider}/${row.model}`
    const seen = seenOf.get(arm) ?? 0
    seenOf.set(arm, seen + 1)
    const requestClass = 'chat'
    const facts = describeRequest({
      messages: [{ role: 'user', text: '' }],
      promptTokens: row.input_tokens,
      requestClass,
    })
    const y = Math.log(of === 'ttft' ? 1_000 * ttft : (1_000 * (total - ttft)) / tokens)
    ;(seen % 3 === 2 ? test : train).push({ arm, requestClass, x: space.vector(facts), y })
  }
  // Arms were measured one after the other; a router sees them side by side.
  return { space, train: shuffled(train, 1), test }
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const uniform = seeded(seed)
  const keyed = items.map((item) => ({ item, key: uniform() }))
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
}
