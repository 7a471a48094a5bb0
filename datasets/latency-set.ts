/**
 * Measured latencies by request, as the llmperf leaderboard publishes them (JSON lines), and what they say of each deployment. They were
 * never measured on the prompts of an outcome set: joining the two is an assumption that has to be asked for.
 */
import { z } from 'zod'
import { describeFirstIssue } from './issues.ts'
import { readJsonLines } from './read/json-lines.ts'
import type { ReadOptions } from './read/options.ts'
import { type Dataset, DatasetError, type LatencyModel, type ModelInfo } from './types.ts'

const MS_PER_S = 1000
/** Fewer successful requests tell no 95th percentile. */
const REQUESTS_MIN = 20

const seconds = z.number('expected seconds ≥ 0').min(0, 'expected seconds ≥ 0')
const requestSchema = z.looseObject(
  {
    provider: z.string('expected a text').min(1, 'expected a text'),
    model: z.string('expected a text').min(1, 'expected a text'),
    ttft_s: seconds.nullable(),
    e2e_latency_s: seconds.nullable(),
    output_tokens: z.number('expected a number of tokens').nullable(),
    error_code: z.union([z.number(), z.string()]).nullable(),
  },
  'expected an object',
)

export interface MeasuredRequest {
  /** `provider/model` */
  readonly deployment: string
  /** Undefined: the request failed. */
  readonly ttftMs: number | undefined
  /** Per output token after the first; undefined: the request failed, or gave no second token. */
  readonly tpotMs: number | undefined
  readonly failed: boolean
}

export interface DeploymentLatency {
  readonly deployment: string
  readonly requests: number
  readonly failed: number
  /** Of the requests that did not fail; undefined where they are fewer than 20. */
  readonly latency: LatencyModel | undefined
}

/** @throws {DatasetError} `dataset_bad_line`, `dataset_unreadable` */
export async function* readLatencyFile(
  path: string,
  options: ReadOptions = {},
): AsyncGenerator<MeasuredRequest> {
  yield* readJsonLines(path, requestOf, options)
}

function requestOf(json: unknown, where: string): MeasuredRequest {
  const parsed = requestSchema.safeParse(json)
  if (!parsed.success) {
    throw new DatasetError('dataset_bad_line', `${where} ${describeFirstIssue(parsed.error, json)}`)
  }
  const {
    provider,
    model,
    ttft_s: ttft,
    e2e_latency_s: total,
    output_tokens: tokens,
    error_code,
  } = parsed.data
  const failed = error_code !== null || ttft === null || total === null || ttft === 0
  const rest =
    failed || tokens === null || tokens < 2 || total <= ttft ? undefined : (total - ttft) / (tokens - 1)
  return {
    deployment: `${provider}/${model}`,
    ttftMs: failed ? undefined : ttft * MS_PER_S,
    tpotMs: rest === undefined ? undefined : rest * MS_PER_S,
    failed,
  }
}

/** Medians and 95th percentiles of each deployment, in the order of the file. */
export async function summarizeLatencies(
  requests: AsyncIterable<MeasuredRequest>,
): Promise<readonly DeploymentLatency[]> {
  const found = new Map<string, { requests: number; failed: number; ttft: number[]; tpot: number[] }>()
  for await (const { deployment, ttftMs, tpotMs, failed } of requests) {
    const sofar = found.get(deployment) ?? { requests: 0, failed: 0, ttft: [], tpot: [] }
    found.set(deployment, sofar)
    sofar.requests += 1
    if (failed) sofar.failed += 1
    if (ttftMs !== undefined) sofar.ttft.push(ttftMs)
    if (tpotMs !== undefined) sofar.tpot.push(tpotMs)
  }
  return [...found].map(([deployment, { ttft, tpot, ...counts }]) => {
    const enough = ttft.length >= REQUESTS_MIN && tpot.length >= REQUESTS_MIN
    return { deployment, ...counts, latency: enough ? modelOf(ttft, tpot) : undefined }
  })
}

function modelOf(ttft: readonly number[], tpot: readonly number[]): LatencyModel {
  return {
    ttftMsP50: quantile(ttft, 0.5),
    ttftMsP95: quantile(ttft, 0.95),
    tpotMsP50: quantile(tpot, 0.5),
    tpotMsP95: quantile(tpot, 0.95),
  }
}

/** By linear interpolation between order statistics (Hyndman and Fan 1996, type 7). */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? low
  return low + (high - low) * (at - Math.floor(at))
}

/**
 * The set with a measured deployment's latency for each arm: the one that `assignment` names, else those with enough requests in turns,
 * in the order of the arms. What was observed of the arms themselves is not touched: a set that has latencies is refused.
 *
 * @param arms in the order in which they get their turns
 * @throws {DatasetError} `dataset_bad_option` naming arm or deployment; `dataset_bad_models` for an arm without a price
 */
export function joinLatency(
  dataset: Dataset,
  arms: readonly string[],
  measured: readonly DeploymentLatency[],
  source: string,
  assignment: ReadonlyMap<string, string> = new Map(),
): Dataset {
  const usable = measured.filter(({ latency }) => latency !== undefined)
  if (usable.length === 0)
    throw badOption(`${source}: no deployment has ${REQUESTS_MIN} requests that did not fail`)
  for (const [arm] of assignment) {
    if (!arms.includes(arm))
      throw badOption(`${arm}: no arm of ${dataset.name}; its arms are ${arms.join(', ')}`)
  }
  const models = new Map<string, ModelInfo>()
  for (const [i, arm] of arms.entries()) {
    const info = dataset.models.get(arm)
    if (info === undefined) {
      throw new DatasetError(
        'dataset_bad_models',
        `${arm}: a latency is kept in models.json, beside prices; add ${arm} to ${dataset.folder}/models.json`,
      )
    }
    if (info.latency !== undefined && info.latencySource === undefined)
      throw badOption(`${arm}: ${dataset.name} has a latency of its own, which a joined one would replace`)
    const wanted = assignment.get(arm) ?? usable[i % usable.length]?.deployment
    const found = usable.find(({ deployment }) => deployment === wanted)
    if (found?.latency === undefined) {
      const names = usable.map(({ deployment }) => deployment).join(', ')
      throw badOption(`${wanted}: no deployment of ${source} with enough requests; there are ${names}`)
    }
    const latencySource = `joined from ${source} (${found.deployment}), not observed`
    models.set(arm, { ...info, latency: found.latency, latencySource })
  }
  return { ...dataset, models }
}

function badOption(message: string): DatasetError {
  return new DatasetError('dataset_bad_option', message)
}
