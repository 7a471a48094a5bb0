/** A policy file as it would have decided in the past: its beliefs stay what they are in the file. */
import { EngineError } from './errors.ts'
import { withUtility } from './estimate.ts'
import { createFeatureSpace } from './feature-space.ts'
import {
  distributionOver,
  type PastChoice,
  type PastDecision,
  pastRates,
  validatePastChoice,
} from './past-decision.ts'
import { type PolicyFile, priorSumsOf } from './policy-file.ts'
import { createRouter, DEFAULT_PRIOR } from './router.ts'
import type { Router } from './router-types.ts'
import { readTextProjection } from './text/projection.ts'
import type { Arm, ArmEstimate, ArmId } from './types.ts'

export interface FrozenPolicyOptions {
  /** With their prices and priors. Of other arms, cost and all that the file does not know is as the log estimated it. */
  readonly arms?: readonly Arm[]
  /** In the place of the file's own policy and floor. */
  readonly choice?: Partial<PastChoice>
}

export interface FrozenPolicy {
  readonly choice: PastChoice
  /**
   * Exact, in the order of the eligible arms; sums to 1 within 1e-12.
   * @throws {EngineError} `engine_snapshot_mismatch` for a decision of another feature space
   */
  distribution(decision: PastDecision): Float64Array
}

/** @throws {EngineError} `engine_bad_config` for a policy or wishes that go by what no log holds */
export function createFrozenPolicy(file: PolicyFile, options: FrozenPolicyOptions = {}): FrozenPolicy {
  return new FileInPast(file, options)
}

class FileInPast implements FrozenPolicy {
  readonly choice: PastChoice
  readonly #router: Router
  readonly #registered: ReadonlySet<ArmId>
  /** Arms of which the file knows anything. */
  readonly #inFile: ReadonlySet<ArmId>

  constructor(file: PolicyFile, { arms = [], choice }: FrozenPolicyOptions) {
    this.choice = { policy: file.policy, floor: file.hyperparameters.floor, ...choice }
    validatePastChoice(this.choice, true)
    const { classes } = file.featureSpace
    const featureSpace = createFeatureSpace({
      classes,
      ...(file.text !== undefined && { text: readTextProjection(file.text) }),
    })
    this.#registered = new Set(arms.map(({ id }) => id))
    this.#inFile = new Set(file.sums.map(({ arm }) => arm))
    const unpriced = [...this.#inFile].filter((id) => !this.#registered.has(id)).map(unpricedArm)
    this.#router = createRouter({
      arms: [...arms, ...unpriced],
      featureSpace,
      halfLifeMs: file.hyperparameters.halfLifeMs,
      priorScale: file.hyperparameters.priorScale,
    })
    this.#router.startFrom(priorSumsOf(file, featureSpace))
  }

  distribution(decision: PastDecision): Float64Array {
    const space = this.#router.featureSpace
    if (decision.featureSpace !== space.id || decision.x.length !== space.dimension) {
      throw new EngineError(
        'engine_snapshot_mismatch',
        `the policy file is of feature space ${space.id} with the classes ${space.classes.join(', ')}; decision ${decision.id} is of ${decision.featureSpace}: make the file on data with the log's classes and text features, or judge only decisions of the file's space`,
      )
    }
    if (decision.estimates.length === 0) {
      throw new EngineError('engine_bad_config', 'a policy file goes by estimates, and the log has none')
    }
    const novelty = new Float64Array(decision.eligible.length)
    let examples = 0
    const estimates = decision.estimates.map((logged, k) => {
      if (!this.#knows(logged.arm)) return logged
      const [foresight] = this.#router.foresee(
        [logged.arm],
        decision.x,
        { promptTokens: decision.promptTokens, requestedOutputTokens: undefined },
        decision.atMs,
      )
      novelty[k] = foresight!.novelty
      examples += foresight!.examples
      const costUsd = this.#registered.has(logged.arm) ? foresight!.costUsd : logged.costUsd
      // How healthy an arm is belongs to the day, not to the file.
      const own: Omit<ArmEstimate, 'utility'> = { ...foresight!, costUsd, success: logged.success }
      return withUtility(own, pastRates(decision, this.choice.preferences))
    })
    return distributionOver(decision, estimates, this.choice, { novelty, examples })
  }

  #knows(arm: ArmId): boolean {
    return this.#registered.has(arm) || this.#inFile.has(arm)
  }
}

function unpricedArm(id: ArmId): Arm {
  return {
    id,
    provider: id,
    model: id,
    price: { inputUsdPerMtok: 0, outputUsdPerMtok: 0 },
    capabilities: [],
    prior: DEFAULT_PRIOR,
  }
}
