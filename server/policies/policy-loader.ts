/** From the hash of a policy on record to a slot that decides by it and learns along. */
import type { Store } from '../../adapters/index.ts'
import {
  createFeatureSpace,
  createRouter,
  DEFAULT_HALF_LIFE_MS,
  EngineError,
  type PolicyFile,
  priorSumsOf,
  type Router,
  readPolicyFile,
  readTextProjection,
} from '../../engine/index.ts'
import { featureSpaceOf } from '../feature-space.ts'
import type { Registry, VirtualModel } from '../registry.ts'
import type { Replicas } from '../replicas.ts'
import { whyForeign } from './arms-of-policy.ts'
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
  /** That are loaded, or being loaded. */
  readonly #opened = new Set<Router>()
  /** Those whose turn to learn has come: a little after they are opened at most. */
  readonly #learning = new Set<Router>()
  readonly #opening = new Map<string, Promise<Loaded>>()
  /** Handed out, and not yet among what somebody keeps: another user must not have them dropped meanwhile. */
  readonly #unclaimed = new Set<string>()
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
    // Before it is opened: one that cannot serve is asked for again and again, and each opening takes another replica's name.
    const file = this.#loaded.get(hash)?.file ?? (await this.#read(hash))
    this.#refuseUnservable(file, model)
    const { slot } = this.#loaded.get(hash) ?? (await this.#openOnce(hash, file))
    // The registry may have been replaced meanwhile.
    this.#refuseUnservable(file, model)
    this.#unclaimed.add(hash)
    return slot
  }

  #refuseUnservable(file: PolicyFile, model: VirtualModel): void {
    const problem = whyUnservable(file, model, this.#options.registry())
    if (problem !== undefined) throw new UnservablePolicy(problem)
  }

  /** Those that no user needs any more learn no more; what runs on them goes on. @param user `rollouts`, `experiments` */
  keep(user: string, hashes: ReadonlySet<string>): void {
    this.#needed.set(user, hashes)
    for (const hash of hashes) this.#unclaimed.delete(hash)
    const needed = [...this.#needed.values()]
    for (const [hash, { slot }] of this.#loaded) {
      if (this.#unclaimed.has(hash) || needed.some((some) => some.has(hash))) continue
      this.#loaded.delete(hash)
      this.#close(slot.router)
    }
    this.#teach()
  }

  /** After a reload of the registry. */
  replaceArms(): void {
    const arms = armsOf(this.#options.registry())
    for (const { slot } of this.#loaded.values()) slot.router.replaceArms(arms)
  }

  /** Two users may ask for one at once. */
  #openOnce(hash: string, file: PolicyFile): Promise<Loaded> {
    const running = this.#opening.get(hash)
    if (running !== undefined) return running
    const opening = this.#open(hash, file).finally(() => this.#opening.delete(hash))
    this.#opening.set(hash, opening)
    return opening
  }

  async #read(hash: string): Promise<PolicyFile> {
    const row = await this.#options.store.readPolicy(hash)
    if (row === undefined) throw new UnservablePolicy('it is not in the store')
    return readStored(row.text)
  }

  async #open(hash: string, file: PolicyFile): Promise<Loaded> {
    const { store, replicas, base, registry } = this.#options
    const halfLifeMs = { ...DEFAULT_HALF_LIFE_MS, ...file.hyperparameters.halfLifeMs }
    const router = createRouter({
      arms: armsOf(registry()),
      // One object for one space: what is computed for it is computed once.
      featureSpace: file.featureSpace.id === base.featureSpace.id ? base.featureSpace : spaceOf(file),
      halfLifeMs,
      priorScale: file.hyperparameters.priorScale,
      bucketMs: store.bucketMs(halfLifeMs),
    })
    this.#opened.add(router)
    try {
      await replicas.add(router, () => {
        // The store may have kept it waiting until nobody needs it any more.
        if (!this.#opened.has(router)) return
        this.#learning.add(router)
        this.#teach()
      })
      router.startFrom(priorSumsOf(file, router.featureSpace))
      // The registry may have been replaced while the store was read.
      router.replaceArms(armsOf(registry()))
    } catch (error) {
      this.#close(router)
      this.#teach()
      // What the engine refuses today it refuses at every try.
      if (error instanceof EngineError) throw new UnservablePolicy(error.message, { cause: error })
      throw error
    }
    const { policy, hyperparameters } = file
    const loaded = { file, slot: { hash, router, policy, floor: hyperparameters.floor } }
    this.#loaded.set(hash, loaded)
    return loaded
  }

  #close(router: Router): void {
    this.#opened.delete(router)
    this.#learning.delete(router)
    this.#options.replicas.remove(router)
  }

  #teach(): void {
    this.#options.slots.teach([...this.#learning])
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
  const foreign = whyForeign(file.policy, model)
  return foreign === undefined ? undefined : `it ${foreign}`
}

/** The text coordinates are told by the running configuration: they must be the same ones. */
function hasEmbedding(file: PolicyFile, { embedding }: Registry): boolean {
  if (embedding === undefined) return false
  return featureSpaceOf({ classes: file.featureSpace.classes, embedding }).id === file.featureSpace.id
}
