/**
 * Keeps what serves the same as what is on record: at the start, after each step that is taken here, and every few seconds, as
 * other replicas take steps too. No request waits for it. What cannot be read leaves in force what is; a policy that cannot be
 * served by leaves its requests to the one before it, and at last to the configuration's.
 */
import { isDeepStrictEqual } from 'node:util'
import type { FastifyBaseLogger } from 'fastify'
import type { Store } from '../../adapters/index.ts'
import type { Registry, VirtualModel } from '../registry.ts'
import { type PolicyLoader, UnservablePolicy } from './policy-loader.ts'
import type { PolicySlots, Sharing } from './policy-slots.ts'
import { CONFIGURED, type ModelRollout, rolloutsOf } from './rollout-state.ts'
import { promotionOf } from './settings.ts'
import type { PolicySlot } from './slot.ts'

/** Replicas that started together do not stay in step. */
const JITTER = 0.1
/** Of loaded policies. */
const USER = 'rollouts'

export interface RolloutsOptions {
  readonly store: Pick<Store, 'kind' | 'readRollouts'>
  readonly slots: PolicySlots
  readonly loader: PolicyLoader
  readonly registry: () => Registry
  /** Pause between two readings, ms. */
  readonly followEveryMs: () => number
}

export interface RolloutProblem {
  readonly model: string
  readonly hash: string
  readonly message: string
}

/** What serves one virtual model here and now. */
export interface RolloutStatus {
  readonly model: string
  /** Hash; empty: the configuration's policy. */
  readonly live: string
  readonly canary: { readonly hash: string; readonly share: number } | undefined
}

export interface RolloutsStatus {
  readonly models: readonly RolloutStatus[]
  /** Policies on record that do not serve as they should. */
  readonly problems: readonly RolloutProblem[]
  /** Why the record could not be read the last time. */
  readonly unread: string | undefined
}

type Log = Pick<FastifyBaseLogger, 'info' | 'warn'>
const SILENT: Log = { info: () => {}, warn: () => {} }

export class Rollouts {
  readonly #options: RolloutsOptions
  #log: Log = SILENT
  #states: ReadonlyMap<string, ModelRollout> = new Map()
  /** What is in force. */
  #sharings: ReadonlyMap<string, Sharing> = new Map()
  #status: RolloutsStatus = { models: [], problems: [], unread: undefined }
  #timer: NodeJS.Timeout | undefined
  /** The reading that runs, and those that wait for it. */
  #turn: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(options: RolloutsOptions) {
    this.#options = options
  }

  get status(): RolloutsStatus {
    return this.#status
  }

  /** From now on it follows by itself, and says what changes. */
  start(log: Log): void {
    this.#log = log
    this.#tell({ models: [], problems: [], unread: undefined })
    this.#schedule()
  }

  /**
   * Reads the record and puts in force what follows from it.
   * @throws {StoreError} `store_unavailable`: then all stays as it is
   */
  follow(): Promise<void> {
    const run = this.#turn.then(() => this.#follow())
    this.#turn = run.catch(() => {})
    return run
  }

  /** {@link follow}; a record that cannot be read is a part of the status. */
  async followQuietly(): Promise<void> {
    const before = this.#status
    try {
      await this.follow()
    } catch (error) {
      this.#noteUnread(error, before)
    }
  }

  /** After a reload: the models are others, and perhaps the arms. */
  reload(): void {
    const { loader, slots, registry } = this.#options
    loader.replaceArms()
    // At once, so that no request between here and there falls back to the configuration's policy.
    slots.rebind(registry().models)
    this.#turn = this.#turn
      .then(() => this.#apply(this.#states))
      .catch((error: unknown) => this.#noteUnread(error, this.#status))
  }

  /** Resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#turn
  }

  /** As a part of the status, which is what makes the next turn try again. */
  #noteUnread(error: unknown, before: RolloutsStatus): void {
    this.#status = { ...this.#status, unread: messageOf(error) }
    this.#tell(before)
  }

  #schedule(): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(
      () => void this.#followInTurn().then(() => this.#schedule()),
      this.#options.followEveryMs() * (1 + JITTER * (2 * Math.random() - 1)),
    )
    this.#timer.unref()
  }

  async #followInTurn(): Promise<void> {
    const { unread, problems } = this.#status
    // An embedded store has one writer: what was done here is all that was done.
    const isKnown = this.#options.store.kind === 'embedded' && unread === undefined && problems.length === 0
    if (!isKnown && !this.#isClosed) await this.followQuietly()
  }

  async #follow(): Promise<void> {
    const states = rolloutsOf(await this.#options.store.readRollouts())
    const { unread, problems } = this.#status
    if (unread === undefined && problems.length === 0 && isDeepStrictEqual(states, this.#states)) return
    this.#states = states
    await this.#apply(states)
  }

  async #apply(states: ReadonlyMap<string, ModelRollout>): Promise<void> {
    const { slots, loader, registry } = this.#options
    const { models } = registry()
    const { unit } = promotionOf(registry())
    const problems: RolloutProblem[] = []
    const sharings = new Map<string, Sharing>()
    const failures: unknown[] = []
    for (const [name, state] of states) {
      const model = models.get(name)
      if (model === undefined) continue
      try {
        const live = await this.#liveOf(state, model, problems)
        const canary = await this.#slotOf(state.canary?.hash ?? CONFIGURED, model, problems)
        const share = state.canary?.share ?? 0
        if (live === undefined && canary === undefined) continue
        sharings.set(name, { live, canary: canary && { slot: canary, share, unit } })
      } catch (error) {
        // What cannot be read of one model is no reason to leave the others as they are: a rollback must not wait for it.
        failures.push(error)
        const before = this.#sharings.get(name)
        if (before !== undefined) sharings.set(name, before)
      }
    }
    // The registry may have been replaced meanwhile: its own turn follows.
    loader.keep(USER, new Set([...sharings.values()].flatMap(hashesOf)))
    slots.replace(registry().models, sharings)
    this.#sharings = sharings
    const before = this.#status
    const [failure] = failures
    const unread = failure === undefined ? undefined : messageOf(failure)
    this.#status = { models: [...sharings].map(statusOf), problems, unread }
    this.#tell(before)
  }

  /** The live policy, or the nearest one before it that can be served by. */
  async #liveOf(
    { live, before }: ModelRollout,
    model: VirtualModel,
    problems: RolloutProblem[],
  ): Promise<PolicySlot | undefined> {
    for (const hash of [live, ...before.toReversed()]) {
      if (hash === CONFIGURED) return undefined
      const slot = await this.#slotOf(hash, model, problems)
      if (slot !== undefined) return slot
    }
    return undefined
  }

  async #slotOf(
    hash: string,
    model: VirtualModel,
    problems: RolloutProblem[],
  ): Promise<PolicySlot | undefined> {
    if (hash === CONFIGURED) return undefined
    try {
      return await this.#options.loader.load(hash, model)
    } catch (error) {
      if (!(error instanceof UnservablePolicy)) throw error
      problems.push({ model: model.name, hash, message: error.message })
      return undefined
    }
  }

  #tell(before: RolloutsStatus): void {
    const { models, problems, unread } = this.#status
    if (!isDeepStrictEqual(models, before.models))
      this.#log.info({ models }, 'other policies than before are in force')
    for (const problem of problems) {
      if (before.problems.some((known) => isDeepStrictEqual(known, problem))) continue
      this.#log.warn(problem, 'a policy on record cannot be served by; the one before it serves')
    }
    if (unread !== undefined && before.unread === undefined)
      this.#log.warn({ reason: unread }, 'which policies are promoted cannot be read; what is in force stays')
    if (unread === undefined && before.unread !== undefined)
      this.#log.info('which policies are promoted can be read again')
  }
}

function hashesOf({ live, canary }: Sharing): readonly string[] {
  return [live, canary?.slot].flatMap((slot) => slot?.hash ?? [])
}

function statusOf([model, { live, canary }]: readonly [string, Sharing]): RolloutStatus {
  return {
    model,
    live: live?.hash ?? CONFIGURED,
    canary: canary && { hash: canary.slot.hash, share: canary.share },
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
