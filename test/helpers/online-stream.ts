/** Online replays in the order of time, for questions that means over all rows do not answer. */
import type { Dataset } from '../../datasets/index.ts'
import { ConservativeAccount, type ConservativeTerms, createRouter, type Router } from '../../engine/index.ts'
import type { ReplayOptions } from '../../eval/index.ts'
import { runOnline } from '../../eval/replay/online.ts'
import { createWorld, selectRows, settingsOf } from '../../eval/replay/prepare.ts'
import { plainStage } from '../../eval/replay/stages.ts'
import { createPace, preferencesFor } from '../../eval/replay/world.ts'

export interface Stream {
  readonly arms: readonly string[]
  /** Quality of what was drawn, by step. */
  readonly own: Float64Array
  /** Of every arm at that step: `of[arm][step]`. */
  readonly of: readonly Float64Array[]
  /** Column of the drawn arm, by step. */
  readonly drawn: Int32Array
}

/** One stream for each seed of `options`. */
export async function onlineStreams(
  dataset: Dataset,
  options: Omit<ReplayOptions, 'dataset' | 'online'>,
): Promise<readonly Stream[]> {
  const all: ReplayOptions = { ...options, dataset, online: true }
  const settings = settingsOf(all)
  const selection = await selectRows(all, settings)
  const pace = createPace(selection.evaluation.rowCount * settings.seeds.length, undefined, undefined)
  const world = createWorld({ ...all, models: all.dataset.models }, settings, selection, pace)
  const { table } = world
  const plan = {
    preferences: preferencesFor(0),
    budgetUsd: undefined,
    stages: [plainStage(table.arms.length)],
    start: undefined,
  }
  const streams: Stream[] = []
  for (const seed of settings.seeds) {
    const run = await runOnline(world, seed, plan)
    const own = new Float64Array(table.rowCount)
    const drawn = new Int32Array(table.rowCount)
    const of = table.arms.map(() => new Float64Array(table.rowCount))
    for (const [row, step] of run.step.entries()) {
      own[step] = run.realised.quality[row]!
      drawn[step] = run.drawn[row]!
      for (const [column, qualities] of of.entries()) {
        qualities[step] = table.quality[row * table.arms.length + column]!
      }
    }
    streams.push({ arms: table.arms, own, of, drawn })
  }
  return streams
}

/** Makes routers whose every decision is held by an account, which learns of each judgement at once. */
export function holding(terms: ConservativeTerms): typeof createRouter {
  return (options) => {
    const router = createRouter(options)
    const account = new ConservativeAccount(terms)
    const decide = router.decide.bind(router)
    const learn = router.learn.bind(router)
    return Object.assign(router, {
      decide(request) {
        const result = decide({ ...request, conservative: account })
        if (result.kind === 'decided') account.commit(result.decision)
        return result
      },
      learn(observations) {
        const changes = learn(observations)
        for (const { head, decisionId, y } of observations)
          if (head === 'quality') account.settle(decisionId, y)
        return changes
      },
    } satisfies Pick<Router, 'decide' | 'learn'>)
  }
}

/** The least over time of Σ own − share · Σ theirs. */
export function leastLead(own: Float64Array, theirs: Float64Array, share: number): number {
  let lead = 0
  let least = Number.POSITIVE_INFINITY
  for (let step = 0; step < own.length; step++) {
    lead += own[step]! - share * theirs[step]!
    least = Math.min(least, lead)
  }
  return least
}

/** The least mean of `own` over the mean of `theirs` in any window of `width` steps. */
export function leastWindowRatio(own: Float64Array, theirs: Float64Array, width: number): number {
  let [sum, other] = [0, 0]
  let least = Number.POSITIVE_INFINITY
  for (let step = 0; step < own.length; step++) {
    sum += own[step]!
    other += theirs[step]!
    if (step >= width) {
      sum -= own[step - width]!
      other -= theirs[step - width]!
    }
    if (step >= width - 1) least = Math.min(least, sum / other)
  }
  return least
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum / values.length
}
