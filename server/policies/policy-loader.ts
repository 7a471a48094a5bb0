/** From the hash of a policy on record to a slot that decides by it and learns along. */
import type { Store } from '../../adapters/index.ts'
import {
  createFeatureSpace,
  createRouter,
  DEFAULT_HALF_LIFE_MS,
  type PolicyFile,
  type PolicySpec,
  priorSumsOf,
  type Router,
  readPolicyFile,
  readTextProjection,
} from '../../engine/index.ts'
import { featureSpaceOf } from '../feature-space.ts'
import type { Registry, VirtualModel } from '../registry.ts'
import type { Replicas } from '../replicas.ts'
import type { PolicySlots } from './policy-slots.ts'
import type { PolicySlot } from './slot.ts'

/** A policy that this process cannot serve by. */
export class UnservablePolicy extends Error {
  override readonly name = 'UnservablePolicy'
}

export interface PolicyLoaderOptions {
  readonly store: Pick<Store, 'readPolicy' | 'bucketMs'>
  readonly replicas: Pick<Replicas, 'add' | 'remove'>
  readonly slots: Pick<PolicySlots, 'teach'>
  readonly base: Router
  readonly registry: () => Registry
}

interface Loaded {
  readonly file: PolicyFile
  readonly slot: PolicySlot
}

export class PolicyLoader {
  readonly #options: PolicyLoaderOptions
  readonly #loaded = new Map<string, Loaded>()
  /** By who needs them. */
  readonly #needed = new Map<string, ReadonlySet<string>>()

  constructor(options: PolicyLoaderOptions) {
    this.#options = options
  }

  /**
   * The slot of a policy for one virtual model. Its router starts from the file and from what was ever observed in its feature
   * space, and learns along from now on.
   *
   * @throws {UnservablePolicy} where it is not on record, or this release or configuration cannot serve by it; {StoreError}
   */
  async load(hash: string, model: VirtualModel): Promise<PolicySlot> {
    const { file, slot } = this.#loaded.get(hash) ?? (await this.#open(hash))
    const problem = whyUnservable(file, model, this.#options.registry())
    if (problem !== undefined) throw new UnservablePolicy(problem)
    return slot
  }

  /** Those that no user needs any more learn no more; what runs on them goes on. @param user `rollouts`, `experiments` */
  keep(user: string, hashes: ReadonlySet<string>): void {
    this.#needed.set(user, hashes)
    const needed = [...this.#needed.values()]
    for (const [hash, { slot }] of this.#loaded) {
      if (needed.some((some) => some.has(hash))) continue
      this.#loaded.delete(hash)
      this.#options.replicas.remove(slot.router)
    }
    this.#teach()
  }

  /** After a reload of the registry. */
  replaceArms(): void {
    const arms = armsOf(this.#options.registry())
    for (const { slot } of this.#loaded.values()) slot.router.replaceArms(arms)
  }

  async #open(hash: string): Promise<Loaded> {
    const { store, replicas, base, registry } = this.#options
    const row = await store.readPolicy(hash)
    if (row === undefined) throw new UnservablePolicy('it is not in the store')
    const file = readStored(row.text)
    const halfLifeMs = { ...DEFAULT_HALF_LIFE_MS, ...file.hyperparameters.halfLifeMs }
    const router = createRouter({
      arms: armsOf(registry()),
      // One object for one space: what is computed for it is computed once.
      featureSpace: file.featureSpace.id === base.featureSpace.id ? base.featureSpace : spaceOf(file),
      halfLifeMs,
      priorScale: file.hyperparameters.priorScale,
      bucketMs: store.bucketMs(halfLifeMs),
    })
    try {
      await replicas.add(router, () => this.#teach(router))
      router.startFrom(priorSumsOf(file, router.featureSpace))
    } catch (error) {
      replicas.remove(router)
      this.#teach()
      throw error
    }
    const { policy, hyperparameters } = file
    const loaded = { file, slot: { hash, router, policy, floor: hyperparameters.floor } }
    this.#loaded.set(hash, loaded)
    return loaded
  }

  /** All that are loaded learn, and one that is being loaded. */
  #teach(...more: readonly Router[]): void {
    this.#options.slots.teach([...[...this.#loaded.values()].map(({ slot }) => slot.router), ...more])
  }
}

function readStored(text: string): PolicyFile {
  try {
    return readPolicyFile(JSON.parse(text))
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new UnservablePolicy(`this release cannot read it: ${reason}`, { cause })
  }
}

function spaceOf({ featureSpace: { classes }, text }: PolicyFile) {
  return createFeatureSpace({ classes, ...(text !== undefined && { text: readTextProjection(text) }) })
}

function armsOf({ arms }: Registry) {
  return [...arms.values()].map(({ arm }) => arm)
}

/** Why a configuration cannot serve a virtual model by a policy; undefined: it can. */
export function whyUnservable(file: PolicyFile, model: VirtualModel, registry: Registry): string | undefined {
  if (file.text?.kind === 'embedding' && !hasEmbedding(file, registry)) {
    const { model: name, components } = file.text
    return `it looks at embeddings of ${name}, ${components} components; configure features.embedding for them`
  }
  const foreign = armsOfPolicy(file.policy).filter((arm) => !model.arms.some((own) => own === arm))
  if (foreign.length > 0)
    return `it names ${foreign.join(', ')}, which ${foreign.length === 1 ? 'is' : 'are'} not among the arms of ${model.name}`
  return undefined
}

/** The text coordinates are told by the running configuration: they must be the same ones. */
function hasEmbedding(file: PolicyFile, { embedding }: Registry): boolean {
  if (embedding === undefined) return false
  return featureSpaceOf({ classes: file.featureSpace.classes, embedding }).id === file.featureSpace.id
}

function armsOfPolicy(policy: PolicySpec): readonly string[] {
  switch (policy.name) {
    case 'fixed':
      return [policy.arm]
    case 'priority':
      return policy.order
    case 'weighted':
      return Object.keys(policy.weights)
    default:
      return []
  }
}
