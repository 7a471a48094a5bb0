/**
 * Judges at work: a drawn share of the answers is put to a model, bounded in what waits, what runs and what it costs. What is
 * judged is in memory while it waits and runs, and nowhere else.
 */
import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { type ChatRequest, StoreError } from '../../adapters/index.ts'
import { type ArmId, type Decision, type DecisionId, hash53 } from '../../engine/index.ts'
import { ServerError } from '../errors.ts'
import { resolveModel } from '../pipeline/resolve-model.ts'
import type { Task } from '../pipeline/task.ts'
import type { Judge, Tenant } from '../registry.ts'
import { END_REASON, Flight } from '../resilience/in-flight.ts'
import type { AnswerSeen } from '../rewards/answer-seen.ts'
import { findKnown } from '../rewards/known-decision.ts'
import { type MetricValue, readValue } from '../rewards/metric.ts'
import { takeReward } from '../rewards/take-reward.ts'
import type { Services } from '../services.ts'
import { judgeSource } from './agreement.ts'
import { askJudge } from './ask.ts'
import { DailySpend } from './daily-spend.ts'
import { JUDGEMENT_TOKENS_MAX, judgeRequest, readJudgement } from './judgement.ts'

/** Of one judge; about 80 kB each. */
const WAITING_MAX = 64
const COMPLAINT_EVERY_MS = 60_000
const TOKENS_PER_MTOK = 1_000_000
const NONE: readonly never[] = []

export const JUDGE_RESULTS = [
  'judged',
  /** Not asked: the answer is of the model that judges, and no other is there to judge it. */
  'own_answer',
  /** Not asked: the day's money is spent. */
  'no_budget',
  /** Not asked: more wait than may. */
  'queue_full',
  /** No arm may judge it: by health, or by what the tenant allows. */
  'no_arm',
  'upstream_error',
  /** It said something that is no judgement. */
  'unreadable',
  'store_error',
  /** The gateway stopped, or the judge left the configuration or is asked something else by it. */
  'abandoned',
] as const
export type JudgeResult = (typeof JUDGE_RESULTS)[number]

interface Job {
  /** As it was when the answer came: the request asks by its rubric for a value of its metric. */
  readonly judge: Judge
  readonly decisionId: DecisionId
  readonly servedArm: ArmId
  readonly request: ChatRequest
  /** What the caller's tenant and the request rule out holds for who judges, too. */
  readonly tenant: Tenant
  readonly ruledOut: readonly string[]
}

interface Desk {
  readonly waiting: Job[]
  running: number
  readonly spend: DailySpend
  readonly counts: Map<JudgeResult, number>
}

export class Judges {
  readonly #services: () => Services
  readonly #desks = new Map<string, Desk>()
  readonly #flights = new Set<Flight>()
  readonly #running = new Set<Promise<void>>()
  readonly #complainedMs = new Map<string, number>()
  #closed = false

  constructor(services: () => Services) {
    this.#services = services
  }

  /** The judges that an answer goes to: a pure function of the decision's id. */
  drawn({ view, model, requestedModel }: Task, id: DecisionId): readonly Judge[] {
    const { judges } = view.registry
    if (judges === undefined) return NONE
    return judges.filter(
      ({ name, share, models }) =>
        (models === undefined || models.has(model.name) || models.has(requestedModel)) &&
        hash53(id, `judge:${name}`) < share,
    )
  }

  offer(judge: Judge, task: Task, decision: Decision, answer: AnswerSeen): void {
    const desk = this.#desk(judge.name)
    if (desk.waiting.length >= WAITING_MAX) this.#dropStale(judge, desk)
    if (this.#closed || desk.waiting.length >= WAITING_MAX) {
      this.#count(judge.name, desk, this.#closed ? 'abandoned' : 'queue_full')
      return
    }
    const { regions } = task.constraints
    desk.waiting.push({
      judge,
      decisionId: decision.id,
      servedArm: decision.arm,
      request: judgeRequest(judge, task.request.messages, answer, randomBytes(6).toString('hex')),
      tenant: {
        name: `judge:${judge.name}`,
        keySha256: [],
        preferences: undefined,
        constraints: regions === undefined ? {} : { regions },
        allow: task.tenant.allow,
        deny: task.tenant.deny,
      },
      ruledOut: [...task.rulings.keys()],
    })
    this.#work(judge.name, desk)
  }

  /** For reports. @throws {StoreError} where what was spent before this process cannot be told */
  async stateOf(name: string): Promise<{
    readonly waiting: number
    readonly running: number
    readonly spentUsd: number
    readonly counts: ReadonlyMap<JudgeResult, number>
  }> {
    const { waiting, running, spend, counts } = this.#desk(name)
    const nowMs = this.#services().clock.nowMs()
    await spend.refresh(nowMs)
    return { waiting: waiting.length, running, spentUsd: spend.spentUsd(nowMs), counts }
  }

  /** Resolves when nothing waits or runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  /** Drops what waits and ends what runs. */
  async close(): Promise<void> {
    this.#closed = true
    for (const [name, desk] of this.#desks) {
      for (const _ of desk.waiting.splice(0)) this.#count(name, desk, 'abandoned')
    }
    for (const flight of this.#flights) flight.end(END_REASON.shutdown)
    await this.idle()
  }

  /** What will not be asked any more takes no place from what will. */
  #dropStale(judge: Judge, desk: Desk): void {
    const waiting = desk.waiting.splice(0)
    desk.waiting.push(...waiting.filter((job) => asksTheSame(judge, job.judge)))
    for (let i = desk.waiting.length; i < waiting.length; i++) this.#count(judge.name, desk, 'abandoned')
  }

  #work(name: string, desk: Desk): void {
    for (;;) {
      const judge = this.#services()
        .view()
        .registry.judges?.find((each) => each.name === name)
      if (desk.running >= (judge?.maxConcurrent ?? 1)) return
      const job = desk.waiting.shift()
      if (job === undefined) return
      desk.running++
      const run = (
        judge === undefined || !asksTheSame(judge, job.judge)
          ? Promise.resolve<JudgeResult>('abandoned')
          : this.#judge(judge, desk, job)
      )
        .catch((error: unknown): JudgeResult => {
          this.#complain(error, name, job, 'a judge failed')
          return error instanceof StoreError ? 'store_error' : 'upstream_error'
        })
        .then((result) => {
          this.#count(name, desk, result)
          desk.running--
          this.#running.delete(run)
          this.#work(name, desk)
        })
      this.#running.add(run)
    }
  }

  async #judge(judge: Judge, desk: Desk, job: Job): Promise<JudgeResult> {
    const services = this.#services()
    const { arms } = services.view().registry
    const judging = resolveModel(services.view(), judge.model, undefined).arms
    const served = arms.get(job.servedArm)?.upstreamModel
    const isOwn = (id: ArmId) => id === job.servedArm || arms.get(id)?.upstreamModel === served
    const own = judge.ownAnswers === 'skip' ? judging.filter(isOwn) : []
    if (own.length === judging.length) return 'own_answer'
    const settle = await this.#reserve(judge, desk, job, judging)
    if (settle === undefined) return 'no_budget'
    const flight = new Flight()
    this.#flights.add(flight)
    let reply: Awaited<ReturnType<typeof askJudge>>
    try {
      const request = judging.some((id) => arms.get(id)?.arm.capabilities.includes('json-schema'))
        ? job.request
        : withoutSchema(job.request)
      reply = await askJudge(services, judge, job.tenant, request, [...own, ...job.ruledOut], flight)
      settle(reply.costUsd)
    } catch (error) {
      settle(0)
      return failureOf(error, flight)
    } finally {
      this.#flights.delete(flight)
    }
    const value = readJudgement(judge, reply.text)
    if (value === undefined) return 'unreadable'
    return await this.#enter(judge, job, value, isOwn(reply.arm))
  }

  /** @throws {StoreError} where what was spent cannot be told */
  #reserve(judge: Judge, desk: Desk, { request }: Job, judging: readonly ArmId[]) {
    const { tokens, clock, view } = this.#services()
    const promptTokens = tokens.countMessages(request.messages)
    const dearestUsd = judging.reduce((most, id) => {
      const price = view().registry.arms.get(id)?.arm.price
      if (price === undefined) return most
      const { inputUsdPerMtok, outputUsdPerMtok } = price
      const usd = (promptTokens * inputUsdPerMtok + JUDGEMENT_TOKENS_MAX * outputUsdPerMtok) / TOKENS_PER_MTOK
      return Math.max(most, usd)
    }, 0)
    return desk.spend.reserve(dearestUsd, judge.maxUsdPerDay, clock.nowMs())
  }

  async #enter(judge: Judge, job: Job, value: MetricValue, isOwn: boolean): Promise<JudgeResult> {
    const services = this.#services()
    const id = job.decisionId
    try {
      await services.feedbackLock.run(id, async () => {
        // By now somebody may have spoken by way of another replica.
        const known = await findKnown(services, id, { anew: true })
        if (known === undefined) return
        await takeReward(services, known, {
          metric: judge.metric.name,
          value: readValue(judge.metric, value),
          source: judgeSource(judge.name, isOwn),
          key: `judge:${judge.name}`,
          atMs: undefined,
        })
      })
      return 'judged'
    } catch (error) {
      this.#complain(error, judge.name, job, 'a judgement was not kept')
      return 'store_error'
    }
  }

  /** One line in the log for all that fails alike in this time: while a store is away, every answer does. */
  #complain(error: unknown, judge: string, { decisionId }: Job, what: string): void {
    const { clock, log } = this.#services()
    const nowMs = clock.nowMs()
    const key = `${what} ${judge}`
    if (nowMs - (this.#complainedMs.get(key) ?? Number.NEGATIVE_INFINITY) < COMPLAINT_EVERY_MS) return
    this.#complainedMs.set(key, nowMs)
    log.warn({ err: error, judge, decisionId }, `${what}; highwayman_judgements_total counts all`)
  }

  #desk(name: string): Desk {
    const known = this.#desks.get(name)
    if (known !== undefined) return known
    const tenant = `judge:${name}`
    const desk: Desk = {
      waiting: [],
      running: 0,
      spend: new DailySpend((fromMs) => this.#services().store.spentUsd({ tenant, fromMs })),
      counts: new Map(),
    }
    this.#desks.set(name, desk)
    return desk
  }

  #count(name: string, { counts }: Desk, result: JudgeResult): void {
    counts.set(result, (counts.get(result) ?? 0) + 1)
    this.#services().metrics.judgements.inc({ judge: name, result })
  }
}

/** For models that take none, which no request with one goes to: what is wanted stands in the instructions too. */
function withoutSchema({ response_format: _, ...request }: ChatRequest): ChatRequest {
  return request
}

/** What was put down to be asked can still be read as this judge's answer. */
function asksTheSame(judge: Judge, asked: Judge): boolean {
  return judge === asked || (judge.rubric === asked.rubric && isDeepStrictEqual(judge.metric, asked.metric))
}

function failureOf(error: unknown, flight: Flight): JudgeResult {
  if (flight.ended !== undefined) return 'abandoned'
  if (!(error instanceof ServerError)) throw error
  return error.code === 'no_eligible_arm' || error.code === 'context_length_exceeded'
    ? 'no_arm'
    : 'upstream_error'
}
