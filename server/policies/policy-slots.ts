/** Which policy serves which request: the slots in force, and the routers behind them. */
import type { Assignment, FeatureSpace, FeatureSpaceId, Router } from '../../engine/index.ts'
import type { VirtualModel } from '../registry.ts'
import type { Assigned, PolicySlot, Unit, UnitSource } from './slot.ts'
import { placeOf, unitOf } from './slot.ts'

/** A share of a virtual model's requests for one policy. */
export interface Part {
  readonly slot: PolicySlot
  /** `canary`, `experiment:<id>/<variant>`. */
  readonly as: string
  /** (0, 1]; all parts of a rule together at most 1. */
  readonly share: number
}

/** Units are laid on a line, and the parts take it from its beginning, one after the other; what is left goes on to the next rule. */
export interface SharingRule {
  readonly unit: Unit
  readonly salt: string
  readonly parts: readonly Part[]
}

/** What shares out the requests of one virtual model. */
export interface Sharing {
  /** Of all that no rule takes. Undefined: the configuration's. */
  readonly live: PolicySlot | undefined
  readonly rules: readonly SharingRule[]
}

type Spaces = readonly [FeatureSpace, ...FeatureSpace[]]

interface Serving {
  /** The model that the configuration has by this name; another of the name is somebody's list of models. */
  readonly model: VirtualModel
  readonly live: Assigned
  readonly rules: readonly {
    readonly unit: Unit
    readonly salt: string
    readonly parts: readonly { readonly upTo: number; readonly assigned: Assigned }[]
  }[]
}

export class PolicySlots {
  readonly #base: Router
  readonly #configured = new WeakMap<VirtualModel, Assigned>()
  #sharings: ReadonlyMap<string, Sharing> = new Map()
  /** Virtual models that not simply the configuration's policy serves. */
  #serving: ReadonlyMap<string, Serving> = new Map()
  #routers: readonly Router[]
  #bySpace: ReadonlyMap<FeatureSpaceId, readonly Router[]>
  #spaces: Spaces

  constructor(base: Router) {
    this.#base = base
    this.#routers = [base]
    this.#bySpace = new Map([[base.featureSpace.id, [base]]])
    this.#spaces = [base.featureSpace]
  }

  /** The feature spaces that learn, each once; the configuration's first. */
  get spaces(): Spaces {
    return this.#spaces
  }

  /** All that learn; the configuration's first. */
  get routers(): readonly Router[] {
    return this.#routers
  }

  /** Those that learn from what is observed in a feature space. */
  learnersOf(space: FeatureSpaceId): readonly Router[] {
    return this.#bySpace.get(space) ?? NO_ROUTERS
  }

  spaceOf(id: FeatureSpaceId): FeatureSpace | undefined {
    return this.#bySpace.get(id)?.[0]?.featureSpace
  }

  /** The policy that serves a request. Where there is one only, nothing is hashed. */
  assign(model: VirtualModel, source: UnitSource): Assigned {
    const serving = this.#serving.get(model.name)
    if (serving === undefined || serving.model !== model) return this.configured(model)
    for (const { unit, salt, parts } of serving.rules) {
      const place = placeOf(unitOf(unit, source), salt)
      for (const { upTo, assigned } of parts) if (place < upTo) return assigned
    }
    return serving.live
  }

  /** The slot of all that no rule takes. */
  liveOf(model: VirtualModel): PolicySlot {
    const serving = this.#serving.get(model.name)
    return serving?.model === model ? serving.live.slot : this.configured(model).slot
  }

  /** What the configuration says of a model. */
  configured(model: VirtualModel): Assigned {
    let assigned = this.#configured.get(model)
    if (assigned === undefined) {
      assigned = { slot: this.#configuredSlot(model), assignment: undefined }
      this.#configured.set(model, assigned)
    }
    return assigned
  }

  /**
   * Puts other slots in force, for all requests that come from now on. What runs goes on with the slot it has.
   *
   * @param routers all that are to learn besides the configuration's
   */
  replace(
    models: ReadonlyMap<string, VirtualModel>,
    sharings: ReadonlyMap<string, Sharing>,
    routers: readonly Router[],
  ): void {
    this.#sharings = sharings
    this.rebind(models)
    this.learn(routers)
  }

  /** @param routers all that are to learn besides the configuration's */
  learn(routers: readonly Router[]): void {
    this.#routers = [this.#base, ...routers]
    this.#bySpace = Map.groupBy(this.#routers, ({ featureSpace }) => featureSpace.id)
    const { featureSpace } = this.#base
    const others = [...this.#bySpace.values()].flatMap(([first]) => first?.featureSpace ?? [])
    this.#spaces = [featureSpace, ...others.filter(({ id }) => id !== featureSpace.id)]
  }

  /** The same slots for the models of another registry. */
  rebind(models: ReadonlyMap<string, VirtualModel>): void {
    const serving = new Map<string, Serving>()
    for (const [name, sharing] of this.#sharings) {
      const model = models.get(name)
      if (model !== undefined) serving.set(name, this.#serve(model, sharing))
    }
    this.#serving = serving
  }

  #serve(model: VirtualModel, { live, rules }: Sharing): Serving {
    let left = 1
    const laid = rules.map(({ unit, salt, parts }) => {
      const before = left
      let upTo = 0
      const laidParts = parts.map(({ slot, as, share }) => {
        upTo += share
        return { upTo, assigned: assigned(slot, as, before * share) }
      })
      left = before * (1 - upTo)
      return { unit, salt, parts: laidParts }
    })
    return { model, live: assigned(live ?? this.#configuredSlot(model), 'live', left), rules: laid }
  }

  #configuredSlot({ policy, floor }: VirtualModel): PolicySlot {
    return { hash: '', router: this.#base, policy, floor }
  }
}

const NO_ROUTERS: readonly Router[] = []

function assigned(slot: PolicySlot, as: string, probability: number): Assigned {
  const assignment: Assignment = { policyHash: slot.hash, as, probability }
  return { slot, assignment }
}
