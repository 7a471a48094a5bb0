/**
 * What is done with an answer when the caller has it: signals are read off it, judges are drawn for it. Off, it costs a look
 * at the registry; on, an answer that was not drawn costs a hash.
 */
import type { ChatChunk, ChatResponse } from '../../adapters/index.ts'
import { type Decision, type DecisionId, hash53 } from '../../engine/index.ts'
import type { Judges } from '../judges/judges.ts'
import type { Task } from '../pipeline/task.ts'
import type { SignalSettings } from '../registry.ts'
import type { Services } from '../services.ts'
import { AnswerCollector, type AnswerSeen, seenWhole } from './answer-seen.ts'
import { JsonChecker } from './json-checker.ts'
import { findKnown } from './known-decision.ts'
import { type Metric, readValue, valueWorth, worthOf } from './metric.ts'
import { findingsOf, worstOf } from './signals.ts'
import { kindOf } from './source.ts'
import { takeReward } from './take-reward.ts'
import { Turns } from './turns.ts'

/**
 * Answers that are looked at, or whose findings are on their way to the store, at once; more are let go and counted. About one
 * commit of the store: somebody's own word never waits behind a queue of findings.
 */
const RUNNING_MAX = 100
/** One line in the log for all that was not kept in this time. */
const COMPLAINT_EVERY_MS = 60_000

/** Somebody who looks at one answer. */
export interface Review {
  /** Of a stream, each chunk as it goes by. */
  chunk(chunk: ChatChunk): void
  /** The stream's answer is whole. */
  end(): void
  /** The answer came in one piece. */
  whole(response: ChatResponse): void
}

export class Reviews {
  readonly #services: () => Services
  readonly #judges: Judges
  readonly #json = new JsonChecker()
  readonly #turns = new Turns()
  readonly #running = new Set<Promise<void>>()
  #complainedMs = Number.NEGATIVE_INFINITY

  constructor(services: () => Services, judges: Judges) {
    this.#services = services
    this.#judges = judges
  }

  /** Undefined where nobody looks at this answer. Judgements are not judged. */
  of(task: Task, decision: Decision): Review | undefined {
    const { signals, judges } = task.view.registry
    if ((signals === undefined && judges === undefined) || task.surface !== 'chat') return undefined
    const drawn = this.#judges.drawn(task, decision.id)
    const isSampled = signals !== undefined && isLookedAt(signals, decision.id)
    const watched = watchesTurns(signals) ? signals : undefined
    if (drawn.length === 0 && !isSampled && watched === undefined) return undefined
    const collector = drawn.length > 0 || isSampled ? new AnswerCollector() : undefined
    const look = (answer: () => AnswerSeen) => {
      if (watched !== undefined) this.#noteTurn(watched, task, decision)
      if (collector === undefined) return
      const seen = answer()
      if (isSampled) this.#run(() => this.#readSignals(signals, task, decision, seen))
      for (const judge of drawn) this.#judges.offer(judge, task, decision, seen)
    }
    // Not before the answer has been sent. Nobody is there any more to be told of a fault of ours.
    const after = (answer: () => AnswerSeen) =>
      this.#services().turnEnd.record(() => {
        try {
          look(answer)
        } catch (error) {
          this.#drop(error)
        }
      })
    return {
      chunk: (chunk) => collector?.chunk(chunk),
      end: () => after(() => collector?.seen() ?? NOTHING),
      whole: (response) => after(() => seenWhole(response)),
    }
  }

  /** Resolves when nothing is being looked at. */
  async idle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  async close(): Promise<void> {
    await this.#json.close()
    await this.idle()
  }

  #noteTurn(signals: SignalSettings, task: Task, decision: Decision): void {
    const { clock } = this.#services()
    const { tenant, session, request } = task
    const said = this.#turns.note(tenant.name, session, request, decision.id, clock.nowMs())
    const worth = said === undefined ? undefined : signals.worths.get(said.signal)
    if (said === undefined || worth === undefined || !isLookedAt(signals, said.decisionId)) return
    this.#services().metrics.signals.inc({ signal: said.signal })
    this.#run(() => this.#enter(signals.metric, said.decisionId, worth, said.signal, 'turn'))
  }

  async #readSignals(
    { metric, worths, passedWorth }: SignalSettings,
    { request }: Task,
    { id }: Decision,
    answer: AnswerSeen,
  ): Promise<void> {
    const { metrics } = this.#services()
    const { fired, unknown } = await findingsOf(worths, request, answer, (schema, text) =>
      this.#json.check(schema, text),
    )
    for (const signal of fired) metrics.signals.inc({ signal })
    // Who cannot be sure that an answer passed does not say so; what fired, fired.
    if (unknown.length > 0) metrics.signals.inc({ signal: 'unknown' }, unknown.length)
    if (fired.length === 0 && unknown.length > 0) return
    const { worth, name } = worstOf(fired, worths, passedWorth)
    if (name === 'passed') metrics.signals.inc({ signal: 'passed' })
    await this.#enter(metric, id, worth, name, 'answer')
  }

  /** Of all that is found on one answer the worst holds. */
  async #enter(metric: Metric, id: DecisionId, worth: number, name: string, key: string): Promise<void> {
    const services = this.#services()
    const value = valueWorth(metric, worth)
    if (value === undefined) return
    await services.feedbackLock.run(id, async () => {
      // What is said of the answer before may be half an hour behind it: others may have spoken by way of another replica.
      const known = await findKnown(services, id, { anew: key === 'turn' })
      if (known === undefined) return
      const earlier = known.rewards.findLast(
        (reward) => reward.metric === metric.name && kindOf(reward.source) === 'heuristic',
      )
      const earlierWorth = earlier === undefined ? undefined : worthOf(metric, earlier)
      if (earlierWorth !== undefined && earlierWorth <= worth) return
      await takeReward(services, known, {
        metric: metric.name,
        value: readValue(metric, value),
        source: `heuristic:${name}`,
        key: `heuristic:${key}:${name}`,
        atMs: undefined,
      })
    })
  }

  #run(work: () => Promise<void>): void {
    const { metrics } = this.#services()
    if (this.#running.size >= RUNNING_MAX) {
      metrics.signals.inc({ signal: 'dropped' })
      return
    }
    const running = work()
      .catch((error: unknown) => this.#drop(error))
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  #drop(error: unknown): void {
    const { clock, log, metrics } = this.#services()
    metrics.signals.inc({ signal: 'dropped' })
    const nowMs = clock.nowMs()
    if (nowMs - this.#complainedMs < COMPLAINT_EVERY_MS) return
    this.#complainedMs = nowMs
    log.warn(
      { err: error },
      'what an answer showed was not kept; highwayman_signals_total{signal="dropped"} counts all',
    )
  }
}

const NOTHING: AnswerSeen = { choices: [], isCut: true }

/** Drawn by the decision's id, before anything is known of the answer: the sample is not chosen by what it shows. */
function isLookedAt({ share }: SignalSettings, id: DecisionId): boolean {
  return share >= 1 || hash53(id, 'signals') < share
}

function watchesTurns(signals: SignalSettings | undefined): boolean {
  return signals !== undefined && (signals.worths.has('repeatedQuestion') || signals.worths.has('tryAgain'))
}
