/** What both kinds of replay share: a dataset made ready for the engine, asked for decisions and taught outcomes. */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import {
  type ArmId,
  type BudgetTerms,
  type Decision,
  type DecisionId,
  type FeatureSpace,
  type HalfLives,
  observationsFromOutcome,
  type PolicySpec,
  type Preferences,
  type PriorScale,
  type PriorSums,
  QUALITY_POINT,
  qualityObservation,
  type RequestFacts,
  type Router,
  type RouterOptions,
} from '../../engine/index.ts'
import { EvaluationError } from '../errors.ts'
import type { OutcomeTable } from '../outcome-table.ts'
import type { RowOutcomes } from '../row-outcomes.ts'
import type { ReplayArm } from './arms.ts'
import { armsAt, type Stage } from './stages.ts'

export interface World {
  readonly table: OutcomeTable
  readonly facts: readonly RequestFacts[]
  readonly arms: readonly ReplayArm[]
  readonly featureSpace: FeatureSpace
  readonly policy: PolicySpec
  readonly explore: boolean
  readonly floor: number
  readonly salt: string
  /** The clock's step from one request to the next, ms. */
  readonly stepMs: number
  readonly halfLifeMs: Partial<HalfLives>
  /** From a policy file, as is the next. */
  readonly priorScale: PriorScale | undefined
  readonly prior: PriorSums | undefined
  readonly createRouter: (options: RouterOptions) => Router
  readonly pace: Pace
}

/** Lets the process breathe and be stopped in a long computation. */
export interface Pace {
  /** Counts one unit of work. @throws the signal's reason once aborted */
  readonly tick: () => Promise<void> | undefined
}

const TICKS_BETWEEN_BREATHS = 256

export function createPace(
  total: number,
  onProgress: ((done: number, total: number) => void) | undefined,
  signal: AbortSignal | undefined,
): Pace {
  let done = 0
  return {
    tick() {
      done++
      if (done % TICKS_BETWEEN_BREATHS !== 0 && done !== total) return undefined
      onProgress?.(done, total)
      signal?.throwIfAborted()
      return yieldToEventLoop()
    },
  }
}

/** A router that knows the arms of a stage, and what the policy file says of them. */
export function createRouterAt(world: World, stage: Stage): Router {
  const router = world.createRouter({
    arms: armsAt(world.arms, stage),
    featureSpace: world.featureSpace,
    halfLifeMs: world.halfLifeMs,
    priorScale: world.priorScale,
  })
  if (world.prior !== undefined) router.startFrom(world.prior)
  return router
}

export interface Asking {
  readonly id: DecisionId
  readonly atMs: number
  readonly facts: RequestFacts
  readonly preferences: Preferences
  readonly budget?: BudgetTerms
}

/** @throws {EvaluationError} `eval_no_eligible_arm` naming each arm's reason, which no replayed request should meet. */
export function decide(world: World, router: Router, candidates: readonly ArmId[], asking: Asking): Decision {
  const result = router.decide({
    ...asking,
    candidates,
    policy: world.policy,
    explore: world.explore,
    floor: world.floor,
    salt: world.salt,
  })
  if (result.kind === 'decided') return result.decision
  const reasons = result.exclusions.map(({ arm, reason, detail }) => `${arm}: ${reason} (${detail})`)
  throw new EvaluationError(
    'eval_no_eligible_arm',
    `no arm was eligible for decision ${asking.id}: ${reasons.join('; ')}`,
  )
}

/**
 * What the router is told of one arm's answer to a row: its quality, its length and that it came.
 *
 * @param quality of the answer, where it is not the one in the table
 */
export function teach(
  world: World,
  router: Router,
  decision: Decision,
  table: OutcomeTable,
  row: number,
  column: number,
  quality = table.quality[row * table.arms.length + column]!,
): void {
  const { arm, outputTokens } = world.arms[column]!
  const outcome = { arm: arm.id, succeeded: true, outputTokens: outputTokens(table, row) }
  router.learn([
    qualityObservation(decision, arm.id, quality, decision.atMs),
    ...observationsFromOutcome(decision, outcome, decision.atMs, world.featureSpace.servingDimension),
  ])
}

/** Adds Σ p·quality and Σ p·cost over a decision's distribution to `row` of `expected`. */
export function addExpectation(
  expected: RowOutcomes,
  table: OutcomeTable,
  decision: Decision,
  columnOf: ReadonlyMap<ArmId, number>,
  row: number,
): void {
  for (let index = 0; index < decision.eligible.length; index++) {
    const cell = row * table.arms.length + columnOf.get(decision.eligible[index]!)!
    const probability = decision.probabilities[index]!
    expected.quality[row]! += probability * table.quality[cell]!
    expected.costUsd[row]! += probability * table.costUsd[cell]!
  }
}

/** The table's column of each arm. */
export function columnIndex(world: World): ReadonlyMap<ArmId, number> {
  return new Map(world.arms.map(({ arm }, column) => [arm.id, column]))
}

/** A utility of quality − perUsd · cost, in the words of the engine. */
export function preferencesFor(perUsd: number): Preferences {
  const kind = 'exchange-rates'
  return perUsd === 0 ? { kind } : { kind, usdPerQualityPoint: QUALITY_POINT / perUsd }
}
