/**
 * The synthetic contextual bandit that Vowpal Wabbit was measured on (golden/bandit/vw-problem of the reference data):
 * 100,000 rounds, 8 arms, 24 features, every arm's reward known in every round.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { createLinearBandit, type LinearBanditOptions } from '../../engine/index.ts'
import { sharedPath } from './shared.ts'

export const ROUNDS = 100_000
export const LAST_ROUNDS = 10_000
const ARMS = ['0', '1', '2', '3', '4', '5', '6', '7']
const FEATURES = 24
/** The features and a constant 1, which comes last. */
export const DIMENSION = FEATURES + 1

export type Variant = 'stationary' | 'drift'

export interface VwProblem {
  /** Row-major, value/32. */
  readonly contexts: Int8Array
  /** Row-major, value/255. */
  readonly rewards: Readonly<Record<Variant, Uint8Array>>
}

export interface VwResults {
  readonly vw: readonly {
    readonly problem: Variant
    readonly algorithm: string
    readonly progressive_average_cost: number
    readonly average_cost_last_10000: number
    readonly events_per_second_single_core: number
  }[]
  readonly reference_learners: readonly {
    readonly problem: Variant
    readonly algorithm: string
    readonly args: { readonly alpha?: number; readonly gamma?: number }
    readonly progressive_average_cost: number
    readonly choices_sha256?: string
    readonly cumulative_reward_after?: Readonly<Record<string, number>>
    readonly arm_counts?: readonly number[]
  }[]
}

const FOLDER = ['golden', 'bandit', 'vw-problem'] as const

export function loadVwProblem(): VwProblem {
  const raw = (file: string): Buffer => gunzipSync(readFileSync(sharedPath(...FOLDER, file)))
  return {
    contexts: new Int8Array(raw('context.i8.gz')),
    rewards: {
      stationary: new Uint8Array(raw('reward.u8.gz')),
      drift: new Uint8Array(raw('reward-drift.u8.gz')),
    },
  }
}

export function loadVwResults(): VwResults {
  return JSON.parse(readFileSync(sharedPath(...FOLDER, 'results.json'), 'utf8')) as VwResults
}

export type Learner = Omit<LinearBanditOptions, 'arms' | 'dimension' | 'salt'>

/** The learner of the reference runs: constant widths, as if the noise sd were known to be 1, and nothing forgotten. */
export const REFERENCE = { prior: { precision: 1, noise: { kind: 'known', sd: 1 } }, drift: false } as const

export interface VwRun {
  /** Mean of 1 − reward of the chosen arm, over all rounds and over the last 10,000. */
  readonly cost: number
  readonly lastCost: number
  /** One byte a round. */
  readonly choices: Uint8Array
  /** Running total of the rewards after each of these rounds. */
  readonly rewardAfter: ReadonlyMap<number, number>
  readonly eventsPerSecond: number
}

const CHECKPOINTS = new Set([1_000, 5_000, 10_000, 50_000, 100_000])

/** One pass, a round at a time: decide on the context followed by a constant 1, see the reward of that arm, learn. */
export function runVwProblem(problem: VwProblem, variant: Variant, learner: Learner, seed: number): VwRun {
  const bandit = createLinearBandit({
    ...learner,
    arms: ARMS,
    dimension: DIMENSION,
    salt: `seed ${seed}`,
  })
  const { contexts } = problem
  const rewards = problem.rewards[variant]
  const choices = new Uint8Array(ROUNDS)
  const rewardAfter = new Map<number, number>()
  const x = new Float64Array(DIMENSION)
  x[FEATURES] = 1
  let total = 0
  let beforeLast = 0
  const startedAt = process.cpuUsage()
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < FEATURES; i++) x[i] = contexts[round * FEATURES + i]! / 32
    const { index } = bandit.decide(x, String(round), round)
    const reward = rewards[round * ARMS.length + index]! / 255
    bandit.learn(index, x, reward, round)
    choices[round] = index
    total += reward
    if (CHECKPOINTS.has(round + 1)) rewardAfter.set(round + 1, total)
    if (round + 1 === ROUNDS - LAST_ROUNDS) beforeLast = total
  }
  const { user, system } = process.cpuUsage(startedAt)
  const seconds = (user + system) / 1e6
  return {
    cost: 1 - total / ROUNDS,
    lastCost: 1 - (total - beforeLast) / LAST_ROUNDS,
    choices,
    rewardAfter,
    eventsPerSecond: ROUNDS / seconds,
  }
}
