/** Which policy serves which request: the slots in force, and the routers behind them. */
import type { Assignment, FeatureSpace, FeatureSpaceId, Router } from '../../engine/index.ts'
import type { VirtualModel } from '../registry.ts'
import { type Assigned, type PolicySlot, placeOf, type RequestSource, type Unit, unitOf } from './slot.ts'

/** A share of a virtual model's requests for another policy than the live one. */
export interface CanaryShare {
  readonly slot: PolicySlot
  /** (0, 1). */
  readonly share: number
  readonly unit: Unit
}

export interface Sharing {
  /** Of all that the canary does not take. Undefined: the configuration's. */
  readonly live: PolicySlot | undefined
  readonly canary: CanaryShare | undefined
}

/**
 * Another rule by which requests come to policies; one that takes a request goes before canaries. Undefined: the request is none of
 * its business.
 */
export type Assigner = (model: VirtualModel, source: RequestSource) => Assigned | undefined

type Spaces = readonly [FeatureSpace, ...FeatureSpace[]]

interface Serving {
  /** The model that the configuration has by this name; another of the name is somebody's list of models. */
  readonly model: VirtualModel
  readonly live: Assigned
  readonly canary:
    | { readonly assigned: Assigned; readonly share: number; readonly unit: Unit; readonly salt: string }
    | undefined
}

const NO_ROUTERS: readonly Router[] = []

export class PolicySlots {
  readonly #base: Router
  readonly #configured = new WeakMap<VirtualModel, Assigned>()
  readonly #assigners: Assigner[] = []
  #sharings: ReadonlyMap<string, Sharing> = new Map()
  /** Virtual models that not simply the configuration's policy serves. */
  #serving: ReadonlyMap<string, Serving> = new Map()
  #bySpace: ReadonlyMap<FeatureSpaceId, readonly Router[]>
  #spaces: Spaces

  /** @param base the configuration's router */
  constructor(base: Router) {
    this.#base = base
    this.#bySpace = new Map([[base.featureSpace.id, [base]]])
    this.#spaces = [base.featureSpace]
  }

  /** The feature spaces that learn, each once; the configuration's first. */
  get spaces(): Spaces {
    return this.#spaces
  }

  /** The routers that learn from what is observed in a feature space. */
  learnersOf(space: FeatureSpaceId): readonly Router[] {
    return this.#bySpace.get(space) ?? NO_ROUTERS
  }

  /** Undefined: nothing learns in it. */
  spaceOf(id: FeatureSpaceId): FeatureSpace | undefined {
    return this.#bySpace.get(id)?.[0]?.featureSpace
  }

  /** Asked before canaries, in the order in which they came. */
  use(assigner: Assigner): void {
    this.#assigners.push(assigner)
  }

  /** The policy that serves a request. Where there is one only, nothing is hashed. */
  assign(model: VirtualModel, source: RequestSource): Assigned {
    for (const assigner of this.#assigners) {
      const taken = assigner(model, source)
      if (taken !== undefined) return taken
    }
    const serving = this.#servingOf(model)
    if (serving === undefined) return this.#configuredOf(model)
    const { live, canary } = serving
    if (canary === undefined) return live
    return placeOf(unitOf(canary.unit, source), canary.salt) < canary.share ? canary.assigned : live
  }

  /** The slot of all that no canary or experiment takes. */
  liveOf(model: VirtualModel): PolicySlot {
    return (this.#servingOf(model)?.live ?? this.#configuredOf(model)).slot
  }

  /** Puts other slots in force, for all requests that come from now on. What runs goes on with the slot it has. */
  replace(models: ReadonlyMap<string, VirtualModel>, sharings: ReadonlyMap<string, Sharing>): void {
    this.#sharings = sharings
    this.rebind(models)
  }

  /** @param routers all that are to learn besides the configuration's */
  teach(routers: readonly Router[]): void {
    const { featureSpace } = this.#base
    this.#bySpace = Map.groupBy([this.#base, ...routers], (router) => router.featureSpace.id)
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

  #servingOf(model: VirtualModel): Serving | undefined {
    const serving = this.#serving.get(model.name)
    return serving?.model === model ? serving : undefined
  }

  #serve(model: VirtualModel, { live = this.#configuredSlot(model), canary }: Sharing): Serving {
    if (canary === undefined) return { model, live: assigned(live, 'live', 1), canary }
    const { slot, share, unit } = canary
    return {
      model,
      live: assigned(live, 'live', 1 - share),
      canary: {
        assigned: assigned(slot, 'canary', share),
        share,
        unit,
        // Another policy's canary takes other units.
        salt: `canary:${model.name}:${slot.hash}`,
      },
    }
  }

  #configuredOf(model: VirtualModel): Assigned {
    let known = this.#configured.get(model)
    if (known === undefined) {
      known = { slot: this.#configuredSlot(model), assignment: undefined }
      this.#configured.set(model, known)
    }
    return known
  }

  #configuredSlot({ policy, floor }: VirtualModel): PolicySlot {
    return { hash: '', router: this.#base, policy, floor }
  }
}

export function assigned(slot: PolicySlot, as: string, probability: number): Assigned {
  const assignment: Assignment = { policyHash: slot.hash, as, probability }
  return { slot, assignment }
}
