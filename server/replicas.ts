/**
 * Learning as one: every few seconds what others have observed is read from the store and put beside what was observed
 * here. No request waits for it; what fails is tried again at the next turn, and the last that was read is believed on.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Store, SumsFeed, SumsReading } from '../adapters/index.ts'
import type { HeadCut, Merged, Router } from '../engine/index.ts'
import type { Clock } from './deps.ts'

/** A reading that takes long makes the next one wait so many times as long: the store is there for others too. */
const REST_FACTOR = 10
/** Replicas that started together do not stay in step. */
const JITTER = 0.1
/**
 * A feedback whose answer got lost makes the own sums doubtful. Each name that is taken has rows of its own for good: in a bad
 * hour they are not put right more often than this.
 */
const DOUBTS_EVERY_MS = 10 * 60_000
/** A merge does not wait longer for what was written before to be stored; a later one goes on from there. */
const HAND_OVER_MS_MAX = 5_000
/** Examples age by the clock of who observed them; from here on it is said. */
const CLOCK_AHEAD_MS_MAX = 5_000
/** From here on a clock was set back. What was learned before is dated ahead, and beside it what is learned now would count for nothing. */
const SET_BACK_MS_MIN = 30_000

export interface ReplicasOptions {
  /** The first of those that learn; others come by {@link Replicas.add}. */
  readonly router: Router
  readonly store: Store
  readonly clock: Clock
  /** Pause between two readings, ms. */
  readonly mergeEveryMs: () => number
  /** Time between two settlings of doubts, ms. @default 600000 */
  readonly doubtsEveryMs?: number
}

export interface ReplicasStatus {
  /** Other replicas that have written lately. */
  readonly others: number
  /** Unix ms; undefined before the first. */
  readonly mergedMs: number | undefined
  readonly merges: number
  readonly failedMerges: number
  readonly handOvers: number
  /** Of this process before the store's, ms. */
  readonly clockAheadMs: number
  /** How long the last merge took, ms, most of it waiting for the store. */
  readonly tookMs: number
}

type Log = Pick<FastifyBaseLogger, 'info' | 'warn'>
const SILENT: Log = { info: () => {}, warn: () => {} }

/** A router, and what others have observed in its feature space. */
interface Learner {
  readonly router: Router
  readonly feed: SumsFeed
}

/** What one round of readings has brought, learner by learner. */
interface Round {
  readonly learner: Learner
  readonly reading: SumsReading
  readonly merged: Merged
}

export class Replicas {
  readonly #options: ReplicasOptions
  #learners: readonly Learner[]
  #log: Log = SILENT
  #status = {
    others: 0,
    mergedMs: undefined as number | undefined,
    merges: 0,
    failedMerges: 0,
    handOvers: 0,
    clockAheadMs: 0,
    tookMs: 0,
  }
  #timer: NodeJS.Timeout | undefined
  /** The merge that runs, and those that wait for it. */
  #turn: Promise<void> = Promise.resolve()
  /** From the switch of names until everything under the earlier one is stored. */
  #handingOver = false
  #handedOver = false
  /** A router that came meanwhile lacks what is held in memory, or has it dated ahead. */
  #owesHandOver = false
  #lastReadMs = Number.NEGATIVE_INFINITY
  #doubtSettledMs = Number.NEGATIVE_INFINITY
  #isFailing = false
  #isClockOff = false
  #cutsKnown = new Set<string>()
  readonly #closed = Promise.withResolvers<void>()
  #isClosed = false

  constructor(options: ReplicasOptions) {
    this.#options = options
    this.#learners = [this.#learner(options.router)]
  }

  get status(): ReplicasStatus {
    return this.#status
  }

  /** From now on it merges by itself, and says what changes. */
  start(log: Log): void {
    this.#log = log
    this.#schedule()
  }

  /**
   * Reads what others have observed and believes it. Afterwards routers with the same data believe the same.
   * @throws {StoreError} `store_unavailable`: then nothing changed
   */
  merge(): Promise<void> {
    const run = this.#turn.then(() => this.#merge())
    this.#turn = run.catch(() => {})
    return run
  }

  /**
   * One more router learns along. When it resolves, that router believes what others have observed in its feature space, and what
   * this process has: what is still on its way to the store follows with the next merge.
   *
   * @param onTurn called in the turn from which on it has to be taught all that is observed here: what was before comes from the store
   * @throws {StoreError} `store_unavailable`: then it does not learn along
   */
  add(router: Router, onTurn: () => void): Promise<void> {
    const run = this.#turn.then(() => this.#add(router, onTurn))
    this.#turn = run.catch(() => {})
    return run
  }

  /** It learns no more from others. */
  remove(router: Router): void {
    this.#learners = this.#learners.filter((learner) => learner.router !== router)
  }

  /** Resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#closed.resolve()
    clearTimeout(this.#timer)
    await this.#turn
  }

  #schedule(): void {
    if (this.#isClosed) return
    const pauseMs = Math.max(this.#options.mergeEveryMs(), REST_FACTOR * this.#status.tookMs)
    this.#timer = setTimeout(
      () => void this.#mergeQuietly().then(() => this.#schedule()),
      pauseMs * (1 + JITTER * (2 * Math.random() - 1)),
    )
    this.#timer.unref()
  }

  async #mergeQuietly(): Promise<void> {
    try {
      await this.merge()
    } catch (error) {
      if (this.#isClosed) return
      this.#status.failedMerges++
      if (!this.#isFailing) {
        this.#log.warn(
          { err: error },
          'what other replicas learn cannot be read; the last of it is believed on',
        )
      }
      this.#isFailing = true
      return
    }
    if (this.#isFailing) this.#log.info('what other replicas learn can be read again')
    this.#isFailing = false
  }

  async #merge(): Promise<void> {
    const startedMs = performance.now()
    this.#noteSetBack(this.#options.clock.nowMs())
    const first = await this.#read()
    // What only the store can put right is put right before anybody is told that the merge is done.
    if (this.#announce(first) || (await this.#mend(first))) {
      await this.#options.store.flush()
      const second = await this.#read()
      if (await this.#mend(second)) await this.#read()
    }
    await this.#settle()
    this.#status.merges++
    this.#status.mergedMs = this.#options.clock.nowMs()
    this.#status.tookMs = performance.now() - startedMs
  }

  /** A router that comes later was told nothing of what is held in memory: from the store it can have it. */
  async #add(router: Router, onTurn: () => void): Promise<void> {
    const learner = this.#learner(router)
    this.#learners = [...this.#learners, learner]
    try {
      await this.#read()
      // One that runs already began without it, and leaves out what came since.
      this.#owesHandOver = this.#handingOver
      if (this.#owesHandOver) onTurn()
      else if (await this.#handOver(onTurn)) await this.#read()
      await this.#settle()
    } catch (error) {
      this.remove(router)
      throw error
    }
  }

  #learner(router: Router): Learner {
    const { featureSpace, halfLifeMs } = router
    return { router, feed: this.#options.store.followSums({ featureSpace: featureSpace.id, halfLifeMs }) }
  }

  async #settle(): Promise<void> {
    for (const { router } of this.#learners) {
      for (const _step of router.settling(this.#options.clock.nowMs())) await nextTurn()
    }
  }

  async #read(): Promise<readonly Round[]> {
    const { clock } = this.#options
    // Before the question: an answer that was asked for earlier does not have it.
    const withHandedOver = this.#handedOver
    const rounds: Round[] = []
    for (const learner of this.#learners) {
      const reading = await learner.feed.read(clock.nowMs())
      rounds.push({
        learner,
        reading,
        merged: learner.router.replaceElsewhere({ ...reading, withHandedOver }),
      })
    }
    if (withHandedOver) this.#handedOver = false
    this.#note(rounds.map(({ reading }) => reading))
    return rounds
  }

  /** Tells the others of changes noticed here. */
  #announce(rounds: readonly Round[]): boolean {
    let announced = false
    for (const { learner, merged } of rounds) {
      const featureSpace = learner.router.featureSpace.id
      for (const change of merged.unheard) {
        this.#options.store.appendForgotten({ featureSpace, ...change })
        announced = true
      }
    }
    return announced
  }

  /** Hands over where that puts something right. @returns true when the next reading has what was handed over */
  async #mend(rounds: readonly Round[]): Promise<boolean> {
    const { doubtsEveryMs = DOUBTS_EVERY_MS } = this.#options
    const nowMs = performance.now()
    const isDoubtful =
      rounds.some(({ reading }) => reading.needsHandOver) && nowMs - this.#doubtSettledMs >= doubtsEveryMs
    const isCut = rounds.some(({ merged }) => merged.needsHandOver && merged.unheard.length === 0)
    if (!isDoubtful && !isCut && !this.#owesHandOver) return false
    if (isDoubtful && !this.#handingOver) this.#doubtSettledMs = nowMs
    return await this.#handOver()
  }

  /** @returns true when the next reading has what was handed over */
  async #handOver(onTurn = () => {}): Promise<boolean> {
    if (this.#handingOver) return false
    this.#handingOver = true
    this.#owesHandOver = false
    const stored = this.#options.store
      .handOver(() => {
        for (const { router } of this.#learners) router.handOver()
        onTurn()
      })
      .then(
        () => {
          this.#handingOver = false
          this.#handedOver = true
          this.#status.handOvers++
        },
        () => {
          this.#handingOver = false
        },
      )
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(late.resolve, HAND_OVER_MS_MAX)
    await Promise.race([stored, late.promise, this.#closed.promise])
    clearTimeout(timer)
    return this.#handedOver
  }

  /** The store reads the same examples as of now. */
  #noteSetBack(nowMs: number): void {
    const setBackMs = this.#lastReadMs - nowMs
    this.#lastReadMs = nowMs
    if (setBackMs < SET_BACK_MS_MIN) return
    this.#owesHandOver = true
    this.#log.warn({ setBackMs }, 'the clock was set back; what was learned is read anew')
  }

  #note(readings: readonly SumsReading[]): void {
    const before = this.#status.others
    const replicas = Math.max(0, ...readings.map((reading) => reading.replicas))
    const clockAheadMs = readings[0]?.clockAheadMs ?? 0
    this.#status.others = replicas
    this.#status.clockAheadMs = clockAheadMs
    if (before !== replicas) this.#log.info({ before, now: replicas }, 'other replicas that learn along')
    const isClockOff = Math.abs(clockAheadMs) > CLOCK_AHEAD_MS_MAX
    if (isClockOff && !this.#isClockOff) {
      this.#log.warn(
        { clockAheadMs },
        'the clock differs from the store’s; what is learned here seems younger or older',
      )
    }
    this.#isClockOff = isClockOff
    for (const { cuts } of readings) this.#noteCuts(cuts)
  }

  #noteCuts(cuts: readonly HeadCut[]): void {
    for (const { arm, head, sinceMs } of cuts) {
      const key = `${head} ${arm} ${sinceMs}`
      if (this.#cutsKnown.has(key)) continue
      this.#cutsKnown.add(key)
      this.#log.info(
        { arm, head, since: new Date(sinceMs).toISOString() },
        'replicas forget what was before a change',
      )
    }
  }
}
