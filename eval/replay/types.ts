import type { Dataset } from '../../datasets/index.ts'
import type { HalfLives, PolicyFile, PolicySpec, Router, RouterOptions } from '../../engine/index.ts'
import type { BaselineName } from '../baselines/index.ts'
import type { ClassOptions } from '../class-labels.ts'
import type { CurvePoint } from '../curve.ts'
import type { Interval } from '../intervals/interval.ts'
import type { Dropped } from '../outcome-table.ts'
import type { ClassFigures, PlanePoint } from './breakdown.ts'
import type { CalibrationBin } from './calibration.ts'
import type { PricePoint, PriceRange } from './price-path.ts'
import type { RegretPoint } from './regret-path.ts'

export interface ReplayOptions extends Pick<ClassOptions, 'classBy' | 'classMap' | 'classes'> {
  readonly dataset: Dataset
  /** A policy, or its name: `thompson`, `epsilon-greedy[:ε]`, `fixed:<arm>`. */
  readonly policy: PolicySpec | string
  /** Learn online from the drawn arm's outcome alone, instead of from training rows beforehand. @default false */
  readonly online?: boolean
  /** A split of the dataset or `all`. @default 'test', online 'all' */
  readonly split?: string
  /** Only rows of these tasks. @default all */
  readonly tasks?: readonly string[]
  /** The arms to compare. @default those present on all rows */
  readonly arms?: readonly string[]
  /** Coordinates of the prompts' text, 0 … 40, by a projection fitted on the rows to learn from. @default 0 */
  readonly textComponents?: number
  /** w in utility = quality − w · cost / (mean cost of the dearest arm). ≥ 0. @default 0 */
  readonly costWeight?: number
  /** Total probability spread evenly over the arms, [0, 1). @default the engine's DEFAULT_FLOOR */
  readonly floor?: number
  /** False: the best mean, no floor. @default true */
  readonly explore?: boolean
  /** Number of passes (online) or of draws (frozen), ≥ 1. @default 5 */
  readonly seeds?: number
  /** First seed; the others follow it. @default 1 */
  readonly seed?: number
  /** Step of the virtual clock from request to request, ms. @default 1000 */
  readonly stepMs?: number
  /** Prior quality by arm, [0, 1]. @default 0.5 for each: cold */
  readonly priorQuality?: Readonly<Record<string, number>>
  /**
   * What the router starts from; its floor, half-lives and ways of naming rows hold where the options give none, and its classes
   * are the classes. Frozen: it is judged as it is, without training.
   */
  readonly policyFile?: PolicyFile
  readonly halfLifeMs?: Partial<HalfLives>
  /** Bootstrap resamples, ≥ 2. @default 500 */
  readonly resamples?: number
  /** Points computed of a frozen policy's cost–quality curve, ≥ 2. @default 24 */
  readonly curvePoints?: number
  /** Mean USD per request to keep to, > 0; online only. The reward is then what that money buys. */
  readonly budgetUsd?: number
  /** Splits to learn from with full information before the first request; online only. @default none */
  readonly warmStart?: readonly string[]
  /** Baselines to run beside what the figures need in any case; `knn` and `ridge` cost most. @default all */
  readonly baselines?: readonly BaselineName[]
  /**
   * Threads that share the seeds of an online replay; the result does not depend on it. ≥ 1. A learner of one's own stays in
   * this thread. @default 1
   */
  readonly workers?: number
  /** Makes the learner under test. @default the engine's createRouter */
  readonly createRouter?: (options: RouterOptions) => Router
  /** Units of work done and in all; a frozen replay may need fewer than it announced. */
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

/** Money is USD per request, a mean over requests. Reward is utility: quality − w · cost / (mean cost of the dearest arm). */
export interface RouterFigures {
  readonly reward: Interval
  readonly quality: Interval
  readonly costUsd: Interval
  /** Mean quality under its cost–quality curve; only of routers that have one, as are the next two. */
  readonly aiq?: Interval
  /**
   * What it costs to be as good as the best single arm (by training rows, where there are any), as a share of that arm's cost;
   * 1 for a router that never is: it can call that arm. None where that arm costs nothing.
   */
  readonly matchCost?: Interval
  /** The best quality on its curve, less that of the best single arm. */
  readonly perfGain?: Interval
  /** Where there are two arms, of routers that say what they expect of each. */
  readonly pair?: PairIntervals
}

/** See {@link PairFigures}. */
export interface PairIntervals {
  readonly apgr: Interval
  readonly cpt50: Interval
  readonly cpt80: Interval
}

export interface BaselineFigures extends RouterFigures {
  readonly detail: string
  /** Reward of the policy minus this reward, on the same rows. */
  readonly policyGain: Interval
}

/** How a budget was kept, and what the money bought. */
export interface BudgetFigures {
  /**
   * Realised mean cost ÷ budget, with Student's interval over the seeds: rows drawn anew would have been paced anew, so
   * resampling them says nothing of it.
   */
  readonly used: Interval
  readonly usedBySeed: readonly number[]
  /** Reward of the best mixture of single arms at a mean cost of the budget; of the cheapest arm, where that is dearer. */
  readonly zeroRouter: Interval
  /** Reward of the policy minus that. */
  readonly gain: Interval
  /** The budget's price on cost (λ), quality per USD. */
  readonly price: PriceRange
  readonly pricePath: readonly PricePoint[]
}

export interface PolicyFigures extends RouterFigures {
  readonly name: string
  readonly spec: PolicySpec
  /** Reward under the distributions that arms were drawn from. Frozen: the same as `reward`. */
  readonly expectedReward: Interval
  /** Reward of the arms that were drawn. Online: the same as `reward`. */
  readonly realisedReward: Interval
  /** Reward over the last third of the stream; online only. */
  readonly lastThird?: Interval
  /** Realised mean reward of each seed. */
  readonly rewardBySeed: readonly number[]
  /** Student interval over `rewardBySeed`: the luck of order and draws alone; with two seeds or more. */
  readonly overSeeds?: Interval
  /** USD per request to keep to, and how it was kept; where one was given. */
  readonly budgetUsd?: number
  readonly budget?: BudgetFigures
  /** Share of the draws, by arm. */
  readonly armShares: Readonly<Record<string, number>>
  /** Reward given up per request. Only against the oracle is it never negative. */
  readonly regret: {
    readonly oracle: Interval
    readonly bestSingle: Interval
    readonly classHindsight: Interval
  }
}

export interface Verdict {
  readonly significant: boolean
  /** Policy minus the zero router at the policy's mean cost, in quality. */
  readonly gain: Interval
  readonly text: string
}

export interface ReplayResult {
  readonly dataset: string
  readonly split: string
  readonly mode: 'frozen' | 'online'
  /** Rows judged. */
  readonly n: number
  readonly seeds: number
  readonly arms: readonly string[]
  readonly classes: readonly string[]
  readonly dropped: Dropped
  readonly costWeight: number
  /** What a frozen policy and the category-mean router learnt from. */
  readonly training: string
  /** Splits that an online policy had learnt from before the stream began. */
  readonly warmStart?: readonly string[]
  readonly policy: PolicyFigures
  readonly baselines: Readonly<Partial<Record<BaselineName, BaselineFigures>>>
  /** AIQ of a frozen policy minus that of the zero router. */
  readonly aiqGain?: Interval
  /** Hulls in the cost–quality plane, for plots. */
  readonly curves: Readonly<Record<string, readonly CurvePoint[]>>
  /** Points in the cost–quality plane: of every arm alone, and of the policy at each exchange rate (online: its one). */
  readonly points: {
    readonly singles: Readonly<Record<string, PlanePoint>>
    readonly policy: readonly PlanePoint[]
  }
  readonly byClass: Readonly<Record<string, ClassFigures>>
  /** Frozen: over every arm’s answer to every row; online: over the drawn arms' answers. */
  readonly calibration: readonly CalibrationBin[]
  /** Online only. */
  readonly regretPath?: readonly RegretPoint[]
  /** How the intervals were computed. */
  readonly method: string
  readonly verdict: Verdict
}
