/** From what is believed of the eligible arms to one of them: policy → floor → draw. */
import { draw, hash53 } from './draw.ts'
import { EngineError } from './errors.ts'
import { withFloor } from './explore.ts'
import { policyOf } from './policies/index.ts'
import type { PolicyInput } from './policies/policy.ts'
import { validatePolicy } from './policies/validate.ts'
import type { PolicySpec } from './types.ts'

/** How to choose, whatever there is to choose from. */
export interface ChoiceSettings {
  readonly policy: PolicySpec
  /** False: nothing is done for the sake of learning, and no floor. */
  readonly explore: boolean
  /** Total additive floor in [0, 1). */
  readonly floor: number
  /** Names the stream of draws. */
  readonly salt: string
}

export interface Choice {
  /** Exact, in the order of the arms; sums to 1 within 1e-12. */
  readonly probabilities: Float64Array
  /** Position of the drawn arm. */
  readonly drawn: number
}

/** @throws {EngineError} `engine_bad_config` for a setting out of its range. */
export function validateChoice({ policy, floor }: ChoiceSettings): void {
  validatePolicy(policy)
  if (!(floor >= 0 && floor < 1)) {
    throw new EngineError('engine_bad_config', `floor must be in [0, 1), got ${floor}`)
  }
}

/** Policy and floor: what the arm is drawn from, unless something holds it back. */
export function distribute(
  input: PolicyInput,
  policy: PolicySpec,
  explore: boolean,
  floor: number,
): Float64Array {
  const rule = policyOf(policy)
  return explore ? withFloor(rule.distribution(input, policy), floor) : rule.exploit(input, policy)
}

/** Position of the drawn arm: a pure function of (`id`, salt). */
export function drawFrom(probabilities: Float64Array, id: string, salt: string): number {
  // Where one arm is certain every number draws it.
  const certain = probabilities.indexOf(1)
  return certain === -1 ? draw(probabilities, hash53(id, salt)) : certain
}

/** All of it. */
export function choose(input: PolicyInput, id: string, settings: ChoiceSettings): Choice {
  const probabilities = distribute(input, settings.policy, settings.explore, settings.floor)
  return { probabilities, drawn: drawFrom(probabilities, id, settings.salt) }
}
