/**
 * From all that was said of one decision to its quality. Of each metric and kind of source the latest value holds; per metric
 * the first kind of {@link SOURCE_KINDS} that has one; then, over the metrics of the best rank that is there, the mean of what
 * the values are worth, weighted by `qualityWeight`.
 */
import type { RewardRow } from '../../adapters/index.ts'
import { type Metric, type Metrics, metricNamed, worthOf } from './metric.ts'
import { isDefault, kindOf, rankOf, SOURCE_KINDS, type SourceKind } from './source.ts'

export const STANDINGS = [
  /** Counts towards quality now. */
  'counts',
  /** Would count, but a source of a better rank has spoken. */
  'outranked',
  /** A later value of the same metric and kind of source took its place, or took it back. */
  'replaced',
  /** Takes back what its source had said before. */
  'retraction',
  /** Came to pass after the metric's window. */
  'late',
  /** Is no part of quality. */
  'kept',
] as const
export type Standing = (typeof STANDINGS)[number]

export interface Standings {
  /** In the order of the rewards. */
  readonly standings: readonly Standing[]
  /** [0, 1]; undefined where nothing counts. */
  readonly quality: number | undefined
}

interface Candidate {
  readonly index: number
  readonly kind: SourceKind
  readonly metric: Metric
  readonly worth: number
}

/**
 * @param rewards of one decision, in the order they were accepted
 * @param decidedAtMs time of the decision, Unix ms
 */
export function standingsOf(rewards: readonly RewardRow[], metrics: Metrics, decidedAtMs: number): Standings {
  const standings: Standing[] = rewards.map(() => 'kept')
  /** By metric and kind: the value that holds there. */
  const holding = new Map<string, Candidate | undefined>()
  const holders = new Map<string, number>()
  for (const [index, reward] of rewards.entries()) {
    const metric = metricNamed(metrics, reward.metric)
    const kind = kindOf(reward.source)
    const key = `${kind}\n${reward.metric}`
    const isFirst = !holders.has(key)
    if (metric !== undefined && isFirst && isLate(reward, metric, decidedAtMs)) {
      standings[index] = 'late'
      continue
    }
    const before = holders.get(key)
    if (before !== undefined) standings[before] = 'replaced'
    holders.set(key, index)
    const takenBack = reward.valueNumber === undefined && reward.valueText === ''
    if (takenBack) standings[index] = 'retraction'
    const worth = metric === undefined || metric.qualityWeight === 0 ? undefined : worthOf(metric, reward)
    holding.set(key, worth === undefined || metric === undefined ? undefined : { index, kind, metric, worth })
  }
  const candidates = [...holding.values()].filter((candidate) => candidate !== undefined)
  for (const { index } of candidates) standings[index] = 'outranked'
  const counting = inForce(candidates)
  for (const { index } of counting) standings[index] = 'counts'
  return { standings, quality: meanWorth(counting) }
}

/**
 * What comes after the window changes nothing, unless its source had spoken within it: what is attributed already can be
 * corrected at any time.
 */
function isLate({ atMs, source }: RewardRow, { windowMs }: Metric, decidedAtMs: number): boolean {
  return windowMs !== undefined && atMs - decidedAtMs > windowMs && !isDefault(source)
}

/** One value of each metric, all of the best rank that is there. */
function inForce(candidates: readonly Candidate[]): readonly Candidate[] {
  if (candidates.length < 2) return candidates
  const best = Math.min(...candidates.map(({ kind }) => rankOf(kind)))
  const ofMetric = new Map<string, Candidate>()
  for (const candidate of candidates) {
    if (rankOf(candidate.kind) !== best) continue
    const other = ofMetric.get(candidate.metric.name)
    if (other === undefined || SOURCE_KINDS.indexOf(candidate.kind) < SOURCE_KINDS.indexOf(other.kind)) {
      ofMetric.set(candidate.metric.name, candidate)
    }
  }
  return [...ofMetric.values()]
}

function meanWorth(candidates: readonly Candidate[]): number | undefined {
  const [only] = candidates
  if (only === undefined) return undefined
  if (candidates.length === 1) return only.worth
  const weight = candidates.reduce((sum, { metric }) => sum + metric.qualityWeight, 0)
  const total = candidates.reduce((sum, { metric, worth }) => sum + metric.qualityWeight * worth, 0)
  // The rounding of a quotient must not leave [0, 1].
  return Math.min(Math.max(total / weight, 0), 1)
}

/**
 * The quality that the sums hold of a decision: what the latest reward that changed it has written down, whatever the metrics
 * are by now. Undefined: none.
 */
export function taughtQuality(rewards: readonly RewardRow[]): number | undefined {
  return rewards.findLast(({ quality }) => quality !== undefined)?.quality ?? undefined
}
