/** decide() and learn(): eligibility → policy → floor → draw → a decision with its exact propensity. */
import {
  type ArmModel,
  createArmModel,
  createSharedPrior,
  examplesOf,
  headOf,
  interceptMean,
  type LinearHeadName,
  linearHeadOf,
} from './arm-model.ts'
import { indexArms, knownArm, samePrior } from './arm-registry.ts'
import { affordableFloor, validateTerms, withBudgetPrice, withinBudget } from './budget.ts'
import { type ChoiceSettings, distribute, drawFrom, validateChoice } from './choose.ts'
import { ColdStart } from './cold-start.ts'
import { heldBack } from './conservative.ts'
import { conversationNote, conversationOf, withMargin } from './conversation.ts'
import {
  boundsBeliefs,
  exclude,
  excludeByBelief,
  neededCapabilities,
  validateConstraints,
} from './eligibility.ts'
import { type Elsewhere, type Merged, mergeElsewhere } from './elsewhere.ts'
import {
  type Context,
  contextOf,
  type Forecast,
  type Foresight,
  forecast,
  foresight,
  type PromptSize,
  tails,
  withUtility,
} from './estimate.ts'
import { nonZeros } from './linalg.ts'
import { LiveInput } from './policy-input.ts'
import type { Member, SharedPrior } from './pooling.ts'
import { inOrder, utilityRates, validatePreferences } from './preferences.ts'
import type {
  BucketWidths,
  DecideRequest,
  DecideResult,
  HalfLives,
  PriorSums,
  Router,
  RouterOptions,
  RouterSnapshot,
} from './router-types.ts'
import { readSums, SNAPSHOT_VERSION, writeSums } from './snapshot.ts'
import { checkObservations, checkSums } from './space-guard.ts'
import { Turns } from './turns.ts'
import {
  type Arm,
  type ArmId,
  type ArmPrior,
  type Belief,
  type Constraints,
  type Decision,
  type Exclusion,
  HEADS,
  type HeadChange,
  type HeadSums,
  type Observation,
} from './types.ts'
import { type Candidate, ClassYardsticks } from './yardstick.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

export const DEFAULT_HALF_LIFE_MS: HalfLives = {
  quality: 14 * DAY,
  ttft: 15 * MINUTE,
  tpot: 15 * MINUTE,
  output_tokens: 7 * DAY,
  success: 5 * MINUTE,
}
/** Total probability spread evenly over the eligible arms, so that every importance weight is at most K/0.02. */
export const DEFAULT_FLOOR = 0.02
/** What is believed of an arm whose registration says nothing. */
export const DEFAULT_PRIOR: ArmPrior = { quality: 0.6, ttftMs: 600, tpotMs: 15, outputTokens: 250 }
const DEFAULT_SALT = 'v1'
const NO_CONTEXT = new Float64Array(0)
const NO_CHANGES: readonly HeadChange[] = []
const UNCONSTRAINED: Constraints = {}
const NONE_EXCLUDED: ReadonlySet<ArmId> = new Set()
const LINEAR_HEADS: readonly LinearHeadName[] = ['quality', 'ttft', 'tpot', 'output_tokens']

/** @throws {EngineError} `engine_bad_arm` for a repeated id or a bad number in an arm; `engine_bad_config` for a scale of 0. */
export function createRouter(options: RouterOptions): Router {
  return new PosteriorRouter(options)
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

class PosteriorRouter implements Router {
  readonly featureSpace: RouterOptions['featureSpace']
  readonly halfLifeMs: HalfLives
  readonly #bucketMs: BucketWidths
  #arms: ReadonlyMap<ArmId, Arm>
  /** Also of arms that have left the registry: their sums stay for their return. */
  readonly #models = new Map<ArmId, ArmModel>()
  readonly #shared: Readonly<Record<LinearHeadName, SharedPrior>>
  readonly #turns = new Turns()
  readonly #yardsticks: ClassYardsticks
  readonly #coldStart: ColdStart
  /** Something comes from elsewhere. */
  #isShared = false

  constructor(options: RouterOptions) {
    this.featureSpace = options.featureSpace
    this.halfLifeMs = { ...DEFAULT_HALF_LIFE_MS, ...options.halfLifeMs }
    this.#bucketMs = options.bucketMs ?? {}
    this.#arms = indexArms(options.arms)
    this.#yardsticks = new ClassYardsticks(options.featureSpace, this.halfLifeMs.output_tokens)
    const shared = (head: LinearHeadName) => createSharedPrior(head, options.featureSpace, options.priorScale)
    // What was lent is weighed against the prior as it starts, so that the weight depends on the sums alone.
    this.#coldStart = new ColdStart((head) =>
      linearHeadOf(createArmModel(DEFAULT_PRIOR, this.halfLifeMs, shared), head),
    )
    this.#shared = {
      quality: shared('quality'),
      ttft: shared('ttft'),
      tpot: shared('tpot'),
      output_tokens: shared('output_tokens'),
    }
  }

  get arms(): ReadonlyMap<ArmId, Arm> {
    return this.#arms
  }

  decide(request: DecideRequest): DecideResult {
    const settings: ChoiceSettings = {
      policy: request.policy,
      explore: request.explore ?? true,
      floor: request.floor ?? DEFAULT_FLOOR,
      salt: request.salt ?? DEFAULT_SALT,
    }
    validateChoice(settings)
    validatePreferences(request.preferences)
    const constraints = request.constraints ?? UNCONSTRAINED
    validateConstraints(constraints)
    const conversation = conversationOf(request)
    if (request.budget !== undefined) validateTerms(request.budget)
    const context = contextOf(this.featureSpace, this.featureSpace.vector(request.facts), request)
    const { candidates, forecasts, exclusions } = this.#survey(request, context, constraints)
    const preferred = utilityRates(request.preferences, () =>
      this.#yardsticks.of(request.facts, candidates, this.#models.values(), request.atMs),
    )
    const rates = withBudgetPrice(preferred, request.budget)
    const bounded = boundsBeliefs(constraints)
    const excluded = exclusions.length === 0 ? NONE_EXCLUDED : new Set(exclusions.map(({ arm }) => arm))
    const qualityOf = (id: ArmId) => this.#qualityOf(id, forecasts, context)
    const open = forecasts.filter((belief, i) => {
      if (excluded.has(belief.arm)) return false
      if (!bounded) return true
      const { arm, model } = candidates[i]!
      const beliefs = { forecast: belief, tails: () => tails(arm, model, context), qualityOf }
      const exclusion = excludeByBelief(beliefs, constraints)
      if (exclusion !== undefined) exclusions.push(exclusion)
      return exclusion === undefined
    })
    const { affordable, exclusions: unaffordable } = withinBudget(open, request.budget)
    exclusions.push(...unaffordable)
    if (affordable.length === 0) return { kind: 'no-eligible-arm', exclusions }

    const estimates = inOrder(
      affordable.map((candidate) => withUtility(candidate, rates)),
      request.preferences,
    )
    const eligible = estimates.map((estimate) => estimate.arm)
    const floor = affordableFloor(settings.floor, estimates, request.budget)
    const input = new LiveInput(eligible, withMargin(estimates, conversation), affordable, estimates, {
      inFlight: request.inFlight,
      turns: this.#turns,
      examplesOf: (id) => examplesOf(this.#model(id), request.atMs),
    })
    const wanted = distribute(input, settings.policy, settings.explore, floor)
    const { probabilities, note } = heldBack(wanted, estimates, request.conservative, qualityOf)
    const drawn = drawFrom(probabilities, request.id, settings.salt)
    const arm = eligible[drawn]!
    if (request.policy.name === 'round-robin') this.#turns.take(arm)
    // What a decision has not, it has no field for: it is compared, and written, field by field.
    const decision: Mutable<Decision> = {
      id: request.id,
      atMs: request.atMs,
      featureSpace: this.featureSpace.id,
      x: context.x,
      requestClass: request.facts.requestClass,
      policy: request.policy,
      rates,
      explore: settings.explore,
      floor: settings.explore ? floor : 0,
      salt: settings.salt,
      eligible,
      exclusions,
      estimates,
      probabilities,
      arm,
      propensity: probabilities[drawn]!,
    }
    if (request.assignment !== undefined) decision.assignment = request.assignment
    if (note !== undefined) decision.conservative = note
    if (conversation !== undefined) {
      decision.conversation = conversationNote(conversation, this.#arms, context)
    }
    return { kind: 'decided', decision }
  }

  foresee(ids: readonly ArmId[], x: Float64Array, facts: PromptSize, atMs: number): readonly Foresight[] {
    const context = contextOf(this.featureSpace, x, { facts, atMs })
    return ids.map((id) => foresight(knownArm(this.#arms, id), this.#model(id), context))
  }

  learn(observations: readonly Observation[]): readonly HeadChange[] {
    checkObservations(observations, this.featureSpace)
    // The heads of one call share their context.
    let context: Float64Array = NO_CONTEXT
    let positions = nonZeros(context, 0)
    let changes: HeadChange[] | undefined
    for (const { arm, head, x, y, weight, atMs } of observations) {
      const model = this.#model(arm)
      if (head === 'success') {
        model.success.observe(y, weight, atMs)
        continue
      }
      if (x !== context) {
        context = x
        positions = nonZeros(x, x.length)
      }
      const recent = linearHeadOf(model, head).observe(x, positions, y, weight, atMs)
      if (recent !== undefined) {
        changes ??= []
        changes.push({ arm, head, atMs, sinceMs: recent.sinceMs, shift: recent.shift })
        this.#reviewLoan(arm, model, head)
      }
      if (head === 'output_tokens') this.#yardsticks.countAnswer()
      if (this.#shared[head].count()) this.#refitShared(head, atMs)
    }
    return changes ?? NO_CHANGES
  }

  absorb(sums: readonly HeadSums[]): void {
    this.#add(sums)
    for (const head of LINEAR_HEADS) {
      const latestMs = Math.max(...sums.map((entry) => (entry.head === head ? entry.asOfMs : 0)))
      if (latestMs > 0) this.#settle(head, latestMs)
    }
  }

  handOver(): void {
    for (const model of this.#models.values()) for (const head of HEADS) headOf(model, head).handOver()
  }

  replaceElsewhere(elsewhere: Elsewhere): Merged {
    checkSums(elsewhere.sums, this.featureSpace)
    for (const { arm } of [...elsewhere.sums, ...elsewhere.cuts]) this.#model(arm)
    const merged = mergeElsewhere(this.#models, elsewhere)
    this.#isShared ||= elsewhere.sums.length > 0
    if (merged.changed) {
      this.#yardsticks.forget()
      for (const head of LINEAR_HEADS) this.#shared[head].unsettle()
    }
    return merged
  }

  *settling(nowMs: number): Generator<void> {
    if (!this.#isShared) return
    for (const head of LINEAR_HEADS) {
      if (this.#shared[head].isSettled) continue
      this.#reviewLoans(head)
      yield* this.#shared[head].settling(() => this.#members(head), nowMs)
    }
  }

  replaceArms(arms: readonly Arm[]): void {
    const next = indexArms(arms)
    for (const [id, arm] of next) {
      const model = this.#models.get(id)
      if (model === undefined || samePrior(model.prior, arm.prior)) continue
      // The data stay; only what was believed before them is new.
      this.#models.set(id, { ...model, prior: arm.prior })
      for (const name of LINEAR_HEADS) {
        const head = linearHeadOf(model, name)
        head.setPrior(this.#shared[name].priorOf(interceptMean(arm.prior, name)))
        head.forgetPosterior()
      }
    }
    this.#arms = next
    this.#yardsticks.forget()
    for (const head of LINEAR_HEADS) this.#reviewLoans(head)
  }

  startFrom(prior: PriorSums): void {
    checkSums(prior.sums, this.featureSpace)
    this.#coldStart.startFrom(prior)
    for (const { arm } of prior.sums) this.#model(arm)
    this.#yardsticks.forget()
    const latestMs = Math.max(0, ...this.sums().map((entry) => entry.asOfMs))
    for (const head of LINEAR_HEADS) this.#settle(head, latestMs)
  }

  sums(): readonly HeadSums[] {
    return [...this.#models].flatMap(([arm, model]) => this.#sumsOf(arm, model))
  }

  snapshot(): RouterSnapshot {
    // What is derived from the sums is formed anew after this, so that this router and one restored go on alike.
    this.#yardsticks.forget()
    this.#coldStart.release()
    for (const head of LINEAR_HEADS) this.#reviewLoans(head)
    for (const model of this.#models.values()) {
      for (const head of LINEAR_HEADS) linearHeadOf(model, head).forgetPosterior()
    }
    return {
      version: SNAPSHOT_VERSION,
      featureSpace: this.featureSpace.id,
      sums: writeSums(this.sums()),
      shared: LINEAR_HEADS.map((head) => ({ head, ...this.#shared[head].state() })),
      turns: this.#turns.state(),
    }
  }

  restore(snapshot: RouterSnapshot): void {
    const sums = readSums(snapshot, this.featureSpace.id)
    checkSums(sums, this.featureSpace)
    this.#models.clear()
    this.#turns.restore(snapshot.turns ?? [])
    this.#add(sums)
    for (const head of LINEAR_HEADS) this.#reviewLoans(head)
    for (const head of LINEAR_HEADS) {
      const state = snapshot.shared.find((entry) => entry.head === head)
      if (state === undefined) continue
      this.#shared[head].restore(state)
      this.#shared[head].renew(this.#members(head))
    }
  }

  /** Forecasts of all known candidates in the order of their ids, and the exclusions that need no forecast. */
  #survey(
    request: DecideRequest,
    context: Context,
    constraints: Constraints,
  ): { candidates: Candidate[]; forecasts: Forecast[]; exclusions: Exclusion[] } {
    const needed = neededCapabilities(request.facts, constraints)
    const candidates: Candidate[] = []
    const forecasts: Forecast[] = []
    const exclusions: Exclusion[] = []
    for (const id of sortedUnique(request.candidates)) {
      const arm = this.#arms.get(id)
      if (arm === undefined) {
        exclusions.push({ arm: id, reason: 'unknown_arm', detail: 'not in the registry' })
        continue
      }
      const blocked = request.blocked?.get(id)
      const exclusion = blocked ? { arm: id, ...blocked } : exclude(arm, request.facts, needed, constraints)
      if (exclusion !== undefined) exclusions.push(exclusion)
      const model = this.#model(id)
      candidates.push({ arm, model })
      forecasts.push(forecast(arm, model, context))
    }
    return { candidates, forecasts, exclusions }
  }

  /** Also of an arm that is no candidate. */
  #qualityOf(id: ArmId, forecasts: readonly Forecast[], { x, nz, nowMs }: Context): Belief | undefined {
    const known = forecasts.find((candidate) => candidate.arm === id)?.quality
    if (known !== undefined || !this.#arms.has(id)) return known
    const { mean, sd } = this.#model(id).quality.predict(x, nz, nowMs)
    return { mean, sd }
  }

  #model(id: ArmId): ArmModel {
    const known = this.#models.get(id)
    if (known !== undefined) return known
    const prior = this.#arms.get(id)?.prior ?? DEFAULT_PRIOR
    const model = createArmModel(prior, this.halfLifeMs, (head) => this.#shared[head], this.#bucketMs)
    this.#models.set(id, model)
    for (const head of LINEAR_HEADS) this.#reviewLoan(id, model, head)
    return model
  }

  #settle(head: LinearHeadName, nowMs: number): void {
    this.#reviewLoans(head)
    this.#shared[head].settle(this.#members(head), nowMs)
  }

  #refitShared(head: LinearHeadName, nowMs: number): void {
    this.#reviewLoans(head)
    this.#shared[head].refit(this.#members(head), nowMs)
  }

  #add(sums: readonly HeadSums[]): void {
    checkSums(sums, this.featureSpace)
    for (const entry of sums) headOf(this.#model(entry.arm), entry.head).absorb(entry)
    this.#yardsticks.forget()
  }

  #members(head: LinearHeadName): Member[] {
    return [...this.#models.values()].map((model) => ({
      head: linearHeadOf(model, head),
      interceptMean: interceptMean(model.prior, head),
    }))
  }

  #sumsOf(arm: ArmId, model: ArmModel): HeadSums[] {
    return HEADS.flatMap((head) => {
      const sums = headOf(model, head).sums()
      return sums === undefined ? [] : [{ arm, head, featureSpace: this.featureSpace.id, ...sums }]
    })
  }

  #reviewLoans(head: LinearHeadName): void {
    for (const [id, model] of this.#models) this.#reviewLoan(id, model, head)
  }

  #reviewLoan(id: ArmId, model: ArmModel, head: LinearHeadName): void {
    const siblingId = this.#arms.get(id)?.priorFrom
    const sibling = siblingId && this.#models.get(siblingId)
    this.#coldStart.borrow(id, sibling && { id: siblingId, model: sibling }, head)
    this.#coldStart.review(id, model, head)
  }
}

function sortedUnique(ids: readonly ArmId[]): readonly ArmId[] {
  return ids.every((id, i) => i === 0 || ids[i - 1]! < id) ? ids : [...new Set(ids)].sort()
}
