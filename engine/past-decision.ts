/** What a policy would have drawn from in the place of one that has decided already: for judging it on a log. */
import { distribute } from './choose.ts'
import { EngineError } from './errors.ts'
import { withUtility } from './estimate.ts'
import { column } from './linalg.ts'
import type { LoggedDecision } from './logged-decision.ts'
import { ownValue } from './own.ts'
import { validatePolicy } from './policies/validate.ts'
import { inOrder, utilityRates, validatePreferences } from './preferences.ts'
import type { ArmEstimate, PolicySpec, Preferences, UtilityRates } from './types.ts'

/** What a log holds of a decision's surroundings. */
export type PastDecision = Pick<
  LoggedDecision,
  'id' | 'atMs' | 'featureSpace' | 'x' | 'promptTokens' | 'rates' | 'eligible' | 'estimates'
>

/** How the judged policy would have chosen. */
export interface PastChoice {
  readonly policy: PolicySpec
  /** False: nothing is done for the sake of learning, and no floor. @default true */
  readonly explore?: boolean
  /** Total additive floor in [0, 1). */
  readonly floor: number
  /** In the place of the decision's own wishes. Weights need a yardstick that a log does not hold. */
  readonly preferences?: Preferences
}

/** What is believed of the eligible arms, beside their estimates, by a policy that has beliefs of its own. */
export interface OwnBeliefs {
  readonly novelty: Float64Array
  /** How many examples the beliefs rest on, over all arms. */
  readonly examples: number
}

/** What these go by is gone with the moment. */
const OF_THE_MOMENT: ReadonlySet<PolicySpec['name']> = new Set(['round-robin', 'least-busy'])

/**
 * @throws {EngineError} `engine_bad_config` for a setting out of its range, and for a policy or wishes that go by what no log
 *   holds
 */
export function validatePastChoice({ policy, floor, preferences }: PastChoice, hasBeliefs: boolean): void {
  validatePolicy(policy)
  if (!(floor >= 0 && floor < 1)) {
    throw new EngineError('engine_bad_config', `floor must be in [0, 1), got ${floor}`)
  }
  if (preferences !== undefined) validatePreferences(preferences)
  if (preferences?.kind === 'weights') {
    throw new EngineError(
      'engine_bad_config',
      'weights are measured by what was typical at the time, which a log does not hold: give exchange rates',
    )
  }
  if (OF_THE_MOMENT.has(policy.name) || (policy.name === 'squarecb' && !hasBeliefs)) {
    const needed = {
      'round-robin': 'whose turn it is',
      'least-busy': 'what runs at the moment',
      squarecb: 'how many examples there were, unless it comes with a policy file',
    }
    throw new EngineError(
      'engine_bad_config',
      `${policy.name} goes by ${needed[policy.name as keyof typeof needed]}, which a log does not hold`,
    )
  }
}

/** The rates of stated wishes; those of the decision where there are none. */
export function pastRates(
  { rates }: Pick<PastDecision, 'rates'>,
  preferences: Preferences | undefined,
): UtilityRates {
  return preferences === undefined
    ? rates
    : utilityRates(preferences, () => {
        throw new EngineError('engine_bad_config', 'weights have no yardstick in a log')
      })
}

/**
 * Exact, in the order of the eligible arms; sums to 1 within 1e-12. Without `own` beliefs no arm counts as on trial: how new
 * each was at the time is not in the log.
 *
 * @param estimates of the eligible arms, sorted by id: the decision's own, or others in their place
 * @throws {EngineError} `engine_bad_config` for a policy that goes by estimates where there are none
 */
export function distributionOver(
  { eligible, rates }: Pick<PastDecision, 'eligible' | 'rates'>,
  estimates: readonly ArmEstimate[],
  { policy, explore = true, floor, preferences }: PastChoice,
  own?: OwnBeliefs,
): Float64Array {
  const nothing = new Float64Array(eligible.length)
  const input = {
    arms: eligible,
    novelty: own?.novelty ?? nothing,
    inFlight: nothing,
    lastTurn: nothing,
    examples: own?.examples ?? 0,
  }
  if (estimates.length === 0) {
    if (!needsNoBeliefs(policy, eligible)) {
      throw new EngineError(
        'engine_bad_config',
        `${policy.name} goes by what is believed of the arms, and the log has no estimates`,
      )
    }
    const none = { utilityMean: nothing, utilitySd: nothing, costUsd: nothing, latencyMs: nothing }
    return distribute({ ...input, ...none }, policy, explore, floor)
  }
  const wanted = preferences === undefined ? estimates : preferred(estimates, { rates }, preferences)
  return distribute(
    {
      ...input,
      utilityMean: column(wanted, ({ utility }) => utility.mean),
      utilitySd: column(wanted, ({ utility }) => utility.sd),
      costUsd: column(wanted, ({ costUsd }) => costUsd.mean),
      latencyMs: column(wanted, ({ latencyMs }) => latencyMs.mean),
    },
    policy,
    explore,
    floor,
  )
}

function preferred(
  estimates: readonly ArmEstimate[],
  decision: Pick<PastDecision, 'rates'>,
  preferences: Preferences,
): readonly ArmEstimate[] {
  const rates = pastRates(decision, preferences)
  return inOrder(
    estimates.map((estimate) => withUtility(estimate, rates)),
    preferences,
  )
}

function needsNoBeliefs(policy: PolicySpec, eligible: PastDecision['eligible']): boolean {
  switch (policy.name) {
    case 'epsilon-greedy':
      return policy.epsilon === 1
    case 'fixed':
      return eligible.includes(policy.arm)
    case 'weighted':
      return eligible.some((arm) => (ownValue(policy.weights, arm) ?? 0) > 0)
    case 'priority':
      return eligible.some((arm) => policy.order.includes(arm))
    default:
      return false
  }
}
