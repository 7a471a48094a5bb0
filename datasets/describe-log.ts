/** What is in a log of a bandit, in one pass and bounded memory. */
import type { LoggedBanditRow } from './bandit/row.ts'

export interface ActionSummary {
  readonly action: string
  /** Rows in which it was eligible, and in which it was taken. */
  readonly eligible: number
  readonly taken: number
  /** Mean reward of the rows in which it was taken and a reward was observed; undefined: none. */
  readonly reward: number | undefined
}

export interface LogSummary {
  readonly rows: number
  readonly skipLearn: number
  readonly from: string | undefined
  readonly to: string | undefined
  /** The most often taken first. */
  readonly actions: readonly ActionSummary[]
  /** Actions of a row: the fewest and the most. */
  readonly eligible: { readonly min: number; readonly max: number }
  readonly reward: { readonly mean: number | undefined; readonly missing: number }
  readonly propensity: { readonly min: number; readonly mean: number; readonly max: number }
  /** Rows that tell the whole distribution. */
  readonly wholeDistribution: number
  readonly positions: Readonly<Record<string, number>>
  /** Distinct names of the context's features and of the actions'. */
  readonly features: { readonly context: number; readonly action: number }
  /** Rounds that the rows stand for. */
  readonly weight: number
}

export async function describeLog(rows: AsyncIterable<LoggedBanditRow>): Promise<LogSummary> {
  const actions = new Map<string, { eligible: number; taken: number; rewards: number; sum: number }>()
  const positions = new Map<number, number>()
  const context = new Set<string>()
  const ofActions = new Set<string>()
  // Shared between rows by readers that can.
  const seenActions = new WeakSet<object>()
  let [count, skipped, whole, observed, sum, weight] = [0, 0, 0, 0, 0, 0]
  let [low, total, high, fewest, most] = [Infinity, 0, 0, Infinity, 0]
  let [fromMs, toMs] = [Infinity, -Infinity]
  for await (const row of rows) {
    count += 1
    weight += row.weight
    if (row.skipLearn) skipped += 1
    if (row.probabilities !== undefined) whole += 1
    low = Math.min(low, row.propensity)
    high = Math.max(high, row.propensity)
    total += row.propensity
    fewest = Math.min(fewest, row.actions.length)
    most = Math.max(most, row.actions.length)
    fromMs = Math.min(fromMs, row.atMs ?? Infinity)
    toMs = Math.max(toMs, row.atMs ?? -Infinity)
    if (row.position !== undefined) positions.set(row.position, (positions.get(row.position) ?? 0) + 1)
    for (const name of row.context.keys()) context.add(name)
    for (const [i, action] of row.actions.entries()) {
      const sofar = actions.get(action.id) ?? { eligible: 0, taken: 0, rewards: 0, sum: 0 }
      actions.set(action.id, sofar)
      sofar.eligible += 1
      if (!seenActions.has(action)) for (const name of action.features.keys()) ofActions.add(name)
      seenActions.add(action)
      if (i !== row.taken) continue
      sofar.taken += 1
      if (row.reward === undefined) continue
      sofar.rewards += 1
      sofar.sum += row.reward
    }
    if (row.reward === undefined) continue
    observed += 1
    sum += row.reward
  }
  return {
    rows: count,
    skipLearn: skipped,
    from: timeOf(fromMs),
    to: timeOf(toMs),
    actions: [...actions]
      .map(([action, { eligible, taken, rewards, sum: rewardSum }]) => ({
        action,
        eligible,
        taken,
        reward: rewards === 0 ? undefined : rewardSum / rewards,
      }))
      .sort((a, b) => b.taken - a.taken),
    eligible: { min: count === 0 ? 0 : fewest, max: most },
    reward: { mean: observed === 0 ? undefined : sum / observed, missing: count - observed },
    propensity: { min: count === 0 ? 0 : low, mean: count === 0 ? 0 : total / count, max: high },
    wholeDistribution: whole,
    positions: Object.fromEntries([...positions].sort(([a], [b]) => a - b)),
    features: { context: context.size, action: ofActions.size },
    weight,
  }
}

function timeOf(ms: number): string | undefined {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : undefined
}
