/** How far a judge says what people say. Pure. */

import type { RewardRow } from '../../adapters/index.ts'
import type { DecisionId } from '../../engine/index.ts'
import type { Judge } from '../registry.ts'
import { type Metrics, type StoredValue, worthOf } from '../rewards/metric.ts'
import { standingsOf } from '../rewards/quality.ts'
import { kindOf, rankOf } from '../rewards/source.ts'

/** From here on an answer counts as good where only good and bad are told apart. */
export const GOOD_FROM = 0.5
/** Two-sided 95 % of the normal distribution. */
const Z = 1.959963984540054

/** One answer that both have judged, on the scale from 0 to 1 as far as there is one. */
export interface Pair {
  readonly judge: number | undefined
  readonly human: number | undefined
  /** The labels, or `good` and `bad`. */
  readonly judgeLabel: string
  readonly humanLabel: string
}

export interface Agreement {
  readonly n: number
  /** Of judge − human, with a 95 % interval; undefined below two pairs. */
  readonly meanDifference: { readonly mean: number; readonly lo: number; readonly hi: number } | undefined
  /** Pearson's; undefined where one of them always says the same. */
  readonly correlation: number | undefined
  /** Share of equal labels, [0, 1]. */
  readonly agreeing: number | undefined
  /** Cohen 1960; undefined where chance alone makes them agree always. */
  readonly kappa: number | undefined
}

/** The source of a judge's values. `own`: it judged an answer of its own model. */
export function judgeSource(name: string, isOwn: boolean): string {
  return isOwn ? `judge:${name}:own` : `judge:${name}`
}

/** The answers that a judge and somebody at first hand have judged. @param rewards each decision's in order of acceptance */
export function pairsOf(judge: Judge, rewards: readonly RewardRow[], metrics: Metrics): readonly Pair[] {
  const byDecision = Map.groupBy(rewards, ({ decisionId }) => decisionId)
  return [...byDecision].flatMap(([id, all]) => pairOf(judge, id, all, metrics) ?? [])
}

function pairOf(
  judge: Judge,
  id: DecisionId,
  rewards: readonly RewardRow[],
  metrics: Metrics,
): Pair | undefined {
  const sources = new Set([judgeSource(judge.name, false), judgeSource(judge.name, true)])
  const said = rewards.findLast(({ source, metric }) => sources.has(source) && metric === judge.metric.name)
  if (said === undefined) return undefined
  const firstHand = rewards.filter(({ source }) => rankOf(kindOf(source)) === 0)
  const same = firstHand.findLast(({ metric }) => metric === judge.metric.name)
  const ofSame = same === undefined ? undefined : opinionOf(judge, same)
  if (ofSame !== undefined) return joined(opinionOf(judge, said), ofSame)
  // Not the same question: then both as far as they make quality.
  if (judge.metric.qualityWeight === 0) return undefined
  const { quality } = standingsOf(firstHand, metrics, timeOf(id))
  return quality === undefined
    ? undefined
    : joined(opinionOf(judge, said), { worth: quality, label: undefined })
}

interface Opinion {
  readonly worth: number | undefined
  readonly label: string | undefined
}

/** Undefined for one that was taken back. */
function opinionOf({ metric }: Judge, value: StoredValue): Opinion | undefined {
  const worth = worthOf(metric, value)
  const label = metric.scale.kind === 'categorical' && value.valueText !== '' ? value.valueText : undefined
  return worth === undefined && label === undefined ? undefined : { worth, label }
}

function joined(judge: Opinion | undefined, human: Opinion): Pair | undefined {
  if (judge === undefined) return undefined
  const both = judge.label !== undefined && human.label !== undefined
  return {
    judge: judge.worth,
    human: human.worth,
    judgeLabel: both ? String(judge.label) : goodOrBad(judge.worth),
    humanLabel: both ? String(human.label) : goodOrBad(human.worth),
  }
}

function goodOrBad(worth: number | undefined): string {
  return (worth ?? 0) >= GOOD_FROM ? 'good' : 'bad'
}

/** The first 48 bits of a UUIDv7, Unix ms. */
function timeOf(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

export function agreementOf(pairs: readonly Pair[]): Agreement {
  const numeric = pairs.flatMap(({ judge, human }) =>
    judge === undefined || human === undefined ? [] : [[judge, human] as const],
  )
  const n = pairs.length
  const agreeing =
    n === 0 ? undefined : pairs.filter(({ judgeLabel, humanLabel }) => judgeLabel === humanLabel).length / n
  return {
    n,
    meanDifference: meanInterval(numeric.map(([judge, human]) => judge - human)),
    correlation: correlation(numeric),
    agreeing,
    kappa: agreeing === undefined ? undefined : kappa(pairs, agreeing),
  }
}

function meanInterval(values: readonly number[]): Agreement['meanDifference'] {
  const n = values.length
  if (n < 2) return undefined
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1)
  const half = Z * Math.sqrt(variance / n)
  return { mean, lo: mean - half, hi: mean + half }
}

function correlation(pairs: readonly (readonly [number, number])[]): number | undefined {
  const n = pairs.length
  const meanX = pairs.reduce((sum, [x]) => sum + x, 0) / n
  const meanY = pairs.reduce((sum, [, y]) => sum + y, 0) / n
  let xx = 0
  let yy = 0
  let xy = 0
  for (const [x, y] of pairs) {
    xx += (x - meanX) ** 2
    yy += (y - meanY) ** 2
    xy += (x - meanX) * (y - meanY)
  }
  return xx > 0 && yy > 0 ? xy / Math.sqrt(xx * yy) : undefined
}

/** (p_o − p_e) / (1 − p_e), p_e from the labels that each gives on its own. */
function kappa(pairs: readonly Pair[], agreeing: number): number | undefined {
  const n = pairs.length
  const labels = new Set(pairs.flatMap(({ judgeLabel, humanLabel }) => [judgeLabel, humanLabel]))
  let byChance = 0
  for (const label of labels) {
    const judge = pairs.filter(({ judgeLabel }) => judgeLabel === label).length / n
    const human = pairs.filter(({ humanLabel }) => humanLabel === label).length / n
    byChance += judge * human
  }
  return byChance < 1 ? (agreeing - byChance) / (1 - byChance) : undefined
}
