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

/** Pure: the draw is a function of (`id`, salt). */
export function choose(
  input: PolicyInput,
  id: string,
  { policy, explore, floor, salt }: ChoiceSettings,
): Choice {
  const rule = policyOf(policy)
  const probabilities = explore
    ? withFloor(rule.distribution(input, policy), floor)
    : rule.exploit(input, policy)
  // Where one arm is certain every number draws it.
  const certain = probabilities.indexOf(1)
  return { probabilities, drawn: certain === -1 ? draw(probabilities, hash53(id, salt)) : certain }
}
