/**
 * The experiments that run here: kept the same as what is on record, asked by every request whether it takes part, and looked at
 * every now and then for what has to be done. Steps are numbered, and of two with one number the first counts, so that replicas
 * may all look after an experiment at once.
 */
import { createHash } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { ExperimentStepRow, Store } from '../../adapters/index.ts'
import type { Router } from '../../engine/index.ts'
import type { Alarm, Readout } from '../../eval/experiments/index.ts'
import type { Clock, Ids } from '../deps.ts'
import { serverError } from '../errors.ts'
import type { ExperimentsStatus } from '../observability/experiment-metrics.ts'
import { whyForeign } from '../policies/arms-of-policy.ts'
import { type PolicyLoader, UnservablePolicy } from '../policies/policy-loader.ts'
import type { PolicySlots } from '../policies/policy-slots.ts'
import type { Assigned, PolicySlot, RequestSource, UnitSource } from '../policies/slot.ts'
import type { Registry, VirtualModel } from '../registry.ts'
import { assign, type Unit } from './assignment.ts'
import { nextStep } from './conduct.ts'
import type { ExperimentDefinition, Variant } from './definition.ts'
import {
  type ExperimentState,
  newExperiment,
  planOf,
  type Step,
  type StepAction,
  StepRefused,
  take,
  unitSalt,
} from './lifecycle.ts'
import { measure } from './measure.ts'
import { readOut } from './readout.ts'

/** How often experiments are looked at by themselves. */
export const DEFAULT_CHECK_MS = 60_000
const UNIT_HEX = 16
/** A look that takes the store long comes round the more rarely: it waits so many times as long as it took. */
const LOOK_PAUSE = 10
/** Replicas that started together do not stay in step. */
const JITTER = 0.1
const ACTOR = 'highwayman'
/** By which the loader knows who needs a policy. */
const USER = 'experiments'

export interface ExperimentsOptions {
  readonly store: Store
  readonly clock: Clock
  readonly ids: Ids
  readonly slots: PolicySlots
  readonly loader: PolicyLoader
  /** Learns what variants without a policy file decide by. */
  readonly base: Router
  readonly registry: () => Registry
  /** Pause between two readings of what is on record, ms. */
  readonly followEveryMs: () => number
  /** Pause between two looks at what has to be done, ms. */
  readonly checkEveryMs: number
}

export interface ExperimentRecord {
  readonly state: ExperimentState
  /** The newest step. */
  readonly step: ExperimentStepRow
}

interface Live {
  readonly state: ExperimentState
  readonly plan: ReturnType<typeof planOf>
  readonly salt: string
  /** By virtual model, in the order of the variants; a model that cannot be served by all of them takes no part. */
  readonly slots: ReadonlyMap<string, readonly (PolicySlot | undefined)[]>
}

type Log = Pick<FastifyBaseLogger, 'info' | 'warn'>
const SILENT: Log = { info: () => {}, warn: () => {} }

export class Experiments {
  readonly #options: ExperimentsOptions
  #log: Log = SILENT
  #live: readonly Live[] = []
  #newest = ''
  #problems: readonly string[] = []
  #unread: string | undefined
  readonly #timers = new Set<NodeJS.Timeout>()
  #turn: Promise<unknown> = Promise.resolve()
  #isClosed = false
  #looking: Promise<void> = Promise.resolve()
  /** How long the last look took, ms. */
  #lookMs = 0
  /** Of the last look. */
  #alarms: ExperimentsStatus['alarms'] = []

  constructor(options: ExperimentsOptions) {
    this.#options = options
    options.slots.use((model, source) => this.assign(model, source))
  }

  /** What keeps an experiment from running as declared, and why the record could not be read. */
  get problems(): readonly string[] {
    return this.#unread === undefined ? this.#problems : [...this.#problems, this.#unread]
  }

  get status(): ExperimentsStatus {
    const running = this.#live.map(({ state: { definition, periods } }) => {
      const weights = definition.variants.map(({ key }, index): [string, number] => [
        key,
        periods.at(-1)?.weights[index] ?? 0,
      ])
      return { key: definition.key, weights: new Map(weights) }
    })
    return { running, alarms: this.#alarms, problems: this.problems }
  }

  start(log: Log): void {
    this.#log = log
    this.#repeat(this.#options.followEveryMs, async () => {
      // An embedded store has one writer: what was done here is all that was done.
      const isKnown = this.#options.store.kind === 'embedded' && this.problems.length === 0
      if (!isKnown) await this.follow()
    })
    this.#repeat(
      () => Math.max(this.#options.checkEveryMs, LOOK_PAUSE * this.#lookMs),
      () => {
        this.#looking = this.check()
        return this.#looking
      },
    )
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const timer of this.#timers) clearTimeout(timer)
    await Promise.all([this.#turn, this.#looking])
  }

  /** The first running experiment that takes the request in; nothing is hashed where none runs. */
  assign(model: VirtualModel, source: RequestSource): Assigned | undefined {
    if (source.isJudge || this.#live.length === 0) return undefined
    const { clock, registry, slots: policySlots } = this.#options
    const atMs = clock.nowMs()
    for (const { state, plan, salt, slots } of this.#live) {
      const own = slots.get(model.name)
      // Another model of the name is somebody's list of models.
      if (own === undefined || registry().models.get(model.name) !== model) continue
      const { definition, run, startedMs = atMs, periods } = state
      const value = unitValue(definition.unit, source)
      const { requestClass, tenant } = source
      const assignment = assign(plan, { model: model.name, requestClass, tenant }, value, atMs - startedMs)
      if (assignment.kind === 'out') continue
      const variant = definition.variants[assignment.variant]?.key
      if (variant === undefined) continue
      const slot = own[assignment.variant] ?? policySlots.liveOf(model)
      const { key: experiment } = definition
      const { probability } = assignment
      const unit = createHash('sha256').update(`${salt}:${value}`).digest('hex').slice(0, UNIT_HEX)
      return {
        slot,
        assignment: { policyHash: slot.hash, as: `experiment:${experiment}/${variant}`, probability },
        exposure: { experiment, run, period: periods.length - 1, variant, unit, probability, tenant },
      }
    }
    return undefined
  }

  /** Reads what is on record and puts it in force. What cannot be read leaves in force what is. */
  follow(): Promise<void> {
    return this.#inTurn(async () => {
      try {
        const steps = await this.#options.store.readExperiments()
        this.#unread = undefined
        const newest = steps.map(({ id }) => id).join()
        if (newest === this.#newest && this.#problems.length === 0) return
        await this.#apply(steps.map(stateOf))
        this.#newest = newest
      } catch (error) {
        this.#noteUnread(error)
      }
    })
  }

  /** After a reload of the registry: models are other objects, and policies may fit or not. */
  reload(): void {
    this.#newest = ''
    // What is known already waits for no store: a variant whose arm is gone must not be stood in for meanwhile.
    void this.#inTurn(() => this.#apply(this.#live.map(({ state }) => state))).catch((error: unknown) =>
      this.#noteUnread(error),
    )
    void this.follow()
  }

  #noteUnread(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error)
    if (this.#unread === undefined) this.#log.warn({ reason: why }, 'experiments cannot be read')
    this.#unread = why
  }

  /** Looks at what runs and does what has to be done. */
  async check(): Promise<void> {
    const started = performance.now()
    const alarms: { key: string; code: string }[] = []
    for (const { state } of this.#live) {
      if (this.#isClosed) return
      const { key } = state.definition
      try {
        for (const { code, message } of await this.#lookAfter(key)) {
          alarms.push({ key, code })
          const isKnown = this.#alarms.some((each) => each.key === key && each.code === code)
          if (!isKnown) this.#log.warn({ experiment: key, code }, message)
        }
      } catch (error) {
        this.#log.warn({ err: error, experiment: key }, 'an experiment was not looked after')
      }
    }
    this.#alarms = alarms
    this.#lookMs = performance.now() - started
  }

  async create(definition: ExperimentDefinition, actor: string, reason: string): Promise<ExperimentRecord> {
    const known = await this.#find(definition.key)
    if (known !== undefined) {
      throw serverError(
        'experiment_exists',
        `There is an experiment "${definition.key}"; take another key, or rerun it.`,
        { param: 'key', shouldRetry: false },
      )
    }
    return await this.#append(definition.key, 0, 'created', newExperiment(definition), actor, reason)
  }

  /** @throws {ServerError} 404 `experiment_not_found`, 409 `experiment_state` */
  async step(key: string, step: Step, actor: string, reason: string): Promise<ExperimentRecord> {
    const { state, step: last } = await this.get(key)
    const next = takeOrRefuse(state, step, this.#options.clock.nowMs())
    return await this.#append(key, last.step + 1, step.action, next, actor, reason)
  }

  /** @throws {ServerError} 404 `experiment_not_found` */
  async get(key: string): Promise<ExperimentRecord> {
    const record = await this.#find(key)
    if (record === undefined) {
      throw serverError('experiment_not_found', `There is no experiment "${key}".`, {
        param: 'key',
        shouldRetry: false,
      })
    }
    return record
  }

  async list(): Promise<readonly ExperimentRecord[]> {
    return (await this.#options.store.readExperiments()).map((step) => ({ state: stateOf(step), step }))
  }

  async history(key: string): Promise<readonly ExperimentStepRow[]> {
    return await this.#options.store.readExperimentSteps({ experiment: key })
  }

  /** What is known now. Rows that are not written yet are written first. */
  async report(key: string): Promise<Readout> {
    const { state } = await this.get(key)
    await this.#options.store.flush()
    return readOut(state, await measure(this.#options.store, state, this.#untilMs(state), true))
  }

  /** Until the end, where there was one: what comes later is not of the experiment. */
  #untilMs({ conclusion }: ExperimentState): number {
    return conclusion?.atMs ?? this.#options.clock.nowMs()
  }

  async #lookAfter(key: string): Promise<readonly Alarm[]> {
    const { state, step: last } = await this.get(key)
    if (state.status !== 'running') {
      await this.follow()
      return []
    }
    const measured = await measure(this.#options.store, state, this.#options.clock.nowMs(), false)
    const readout = readOut(state, measured)
    const conduct = nextStep(state, readout, measured.errors, measured.cells)
    if (conduct === undefined) return readout.alarms
    const next = take(state, conduct.step, readout.atMs)
    const { action } = conduct.step
    const row = this.#row(key, last.step + 1, action, next, ACTOR, conduct.reason)
    // Where another replica was first, its step is found by the next reading.
    if (await this.#options.store.appendExperimentStep(row)) {
      this.#log.info(
        { experiment: key, action, reason: conduct.reason },
        'an experiment took a step by itself',
      )
    }
    await this.follow()
    return readout.alarms
  }

  async #find(key: string): Promise<ExperimentRecord | undefined> {
    const step = (await this.#options.store.readExperimentSteps({ experiment: key })).at(-1)
    return step && { state: stateOf(step), step }
  }

  async #append(
    key: string,
    number: number,
    action: StepAction,
    state: ExperimentState,
    actor: string,
    reason: string,
  ): Promise<ExperimentRecord> {
    const row = this.#row(key, number, action, state, actor, reason)
    const isFirst = await this.#options.store.appendExperimentStep(row).catch((error: unknown) => {
      // It may be on record although the store's answer got lost. Nobody is kept waiting for that.
      void this.follow()
      throw error
    })
    if (!isFirst) {
      throw serverError(
        'experiment_state',
        `Another step of experiment "${key}" was taken at the same time; look at it and try again.`,
      )
    }
    await this.follow()
    return { state, step: row }
  }

  #row(
    key: string,
    step: number,
    action: StepAction,
    state: ExperimentState,
    actor: string,
    reason: string,
  ): ExperimentStepRow {
    const { ids, clock } = this.#options
    return { id: ids.next(), atMs: clock.nowMs(), experiment: key, step, action, actor, reason, state }
  }

  async #apply(states: readonly ExperimentState[]): Promise<void> {
    const running = states
      .filter(({ status }) => status === 'running')
      .sort((a, b) => (a.startedMs ?? 0) - (b.startedMs ?? 0))
    const { loader } = this.#options
    // Before they are loaded: who else puts away what nobody needs leaves them.
    loader.keep(USER, new Set(running.flatMap(({ definition }) => filesOf(definition))))
    const problems: string[] = []
    const live: Live[] = []
    const failures: unknown[] = []
    for (const state of running) {
      try {
        const own = await this.#slotsOf(state, problems)
        live.push({ state, plan: planOf(state), salt: unitSalt(state), slots: own })
      } catch (error) {
        // It goes on as it was; the others take their steps: one that was stopped must not wait for it.
        failures.push(error)
        live.push(...this.#live.filter((before) => unitSalt(before.state) === unitSalt(state)))
      }
    }
    this.#live = live
    for (const problem of problems) if (!this.#problems.includes(problem)) this.#log.warn(problem)
    this.#problems = problems
    if (failures.length > 0) throw failures[0]
  }

  async #slotsOf({ definition }: ExperimentState, problems: string[]) {
    const slots = new Map<string, readonly (PolicySlot | undefined)[]>()
    const { models } = this.#options.registry()
    for (const name of definition.targeting.models ?? models.keys()) {
      const model = models.get(name)
      if (model === undefined) continue
      try {
        const own: (PolicySlot | undefined)[] = []
        for (const variant of definition.variants) own.push(await this.#slotOf(variant, model))
        slots.set(name, own)
      } catch (error) {
        if (!(error instanceof UnservablePolicy)) throw error
        problems.push(`experiment ${definition.key} takes none of ${name}’s requests: ${error.message}`)
      }
    }
    return slots
  }

  /** Undefined: whatever decides at the time, without the experiment. */
  async #slotOf({ key, policy }: Variant, model: VirtualModel): Promise<PolicySlot | undefined> {
    if (policy.kind === 'current') return undefined
    if (policy.kind === 'file') return await this.#options.loader.load(policy.hash, model)
    // Its arms may have left the configuration since it was declared.
    const foreign = whyForeign(policy.policy, model)
    if (foreign !== undefined) throw new UnservablePolicy(`variant ${key} ${foreign}`)
    const { base: router } = this.#options
    return { hash: '', router, policy: policy.policy, floor: policy.floor ?? model.floor }
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(run)
    this.#turn = turn.catch(() => {})
    return turn
  }

  #repeat(everyMs: () => number, run: () => Promise<void>): void {
    if (this.#isClosed) return
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer)
        void run().then(() => this.#repeat(everyMs, run))
      },
      everyMs() * (1 + JITTER * (2 * Math.random() - 1)),
    )
    timer.unref()
    this.#timers.add(timer)
  }
}

/** What is assigned, as text; empty where the request does not say. Ids of users hold their tenant already. */
function unitValue(unit: Unit, { tenant, session, userHash, requestId }: UnitSource): string {
  switch (unit) {
    case 'tenant':
      return tenant
    case 'user':
      return userHash
    case 'session':
      return session === '' ? '' : JSON.stringify([tenant, session])
    case 'request':
      return JSON.stringify([tenant, requestId])
  }
}

function filesOf({ variants }: ExperimentDefinition): readonly string[] {
  return variants.flatMap(({ policy }) => (policy.kind === 'file' ? policy.hash : []))
}

/** Written by {@link Experiments}, hence of its shape. */
function stateOf({ state }: ExperimentStepRow): ExperimentState {
  return state as ExperimentState
}

function takeOrRefuse(state: ExperimentState, step: Step, atMs: number): ExperimentState {
  try {
    return take(state, step, atMs)
  } catch (error) {
    if (!(error instanceof StepRefused)) throw error
    throw serverError('experiment_state', `${error.message}.`, { shouldRetry: false, cause: error })
  }
}
