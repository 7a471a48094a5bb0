/**
 * What is taken of a decision of which nobody said anything in time. The store knows of which: a restart forgets none, and a
 * replica that died leaves its own to the others.
 */
import { ServerError } from '../errors.ts'
import type { Services } from '../services.ts'
import { knownFrom } from './known-decision.ts'
import { type Metric, readValue } from './metric.ts'
import { SILENT_OUTCOME } from './source.ts'
import { takeReward } from './take-reward.ts'

const SWEEP_EVERY_MS = 30_000
/** A window may be shorter than the pause between two sweeps. */
const SWEEP_EVERY_MS_MIN = 1_000
/** How far before the last sweep is looked again: for rows that were late in the store, and decisions that others left. */
const OVERLAP_MS = 30 * 60_000
/** How long a replica has for its own decisions before the others take them over. */
const OTHERS_AFTER_MS = 15 * 60_000
/** How far back the first sweep after a start looks, beyond the window. */
const FIRST_LOOK_MS = 24 * 3_600_000
/** Of the decisions' times, what one query looks through. */
const SLICE_MS = 3_600_000
const BATCH = 200
/** So many defaults are on their way to the store at once: they share its commits. */
const AT_ONCE = 50

export class DefaultRewards {
  readonly #services: Services
  /** By metric: decisions made before this have been seen to. */
  readonly #seenToMs = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined
  #closed = false

  constructor(services: Services) {
    this.#services = services
  }

  start(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#running = this.#sweepAndGoOn()
    }, this.#pauseMs())
    this.#timer.unref()
  }

  async #sweepAndGoOn(): Promise<void> {
    try {
      await this.sweep()
    } catch (error) {
      this.#services.log.warn({ err: error }, 'default rewards were not written')
    }
    this.start()
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#running
  }

  /** @returns how many decisions got a default @throws {ServerError} 503 `store_unavailable`; the next sweep goes on from there */
  async sweep(): Promise<number> {
    let written = 0
    for (const metric of this.#services.view().metrics.values()) {
      if (metric.byDefault !== undefined) written += await this.#sweepMetric(metric)
    }
    return written
  }

  /** Slice by slice, so that what was seen to stays so when the store goes away in the middle. */
  async #sweepMetric(metric: Metric): Promise<number> {
    const toMs = this.#services.clock.nowMs() - (metric.windowMs ?? 0)
    const seenToMs = this.#seenToMs.get(metric.name)
    let fromMs = seenToMs === undefined ? toMs - FIRST_LOOK_MS : Math.min(seenToMs - OVERLAP_MS, toMs)
    let written = 0
    while (fromMs < toMs && !this.#closed) {
      const sliceToMs = Math.min(fromMs + SLICE_MS, toMs)
      written += await this.#sweepSlice(metric, fromMs, sliceToMs, toMs - OTHERS_AFTER_MS)
      this.#seenToMs.set(metric.name, Math.max(seenToMs ?? sliceToMs, sliceToMs))
      fromMs = sliceToMs
    }
    return written
  }

  async #sweepSlice(metric: Metric, sliceFromMs: number, toMs: number, othersToMs: number): Promise<number> {
    const { replica, store } = this.#services
    let fromMs = sliceFromMs
    let written = 0
    while (!this.#closed) {
      const decisions = await store.findUnrewarded({
        metric: metric.name,
        fromMs,
        toMs,
        replica,
        othersToMs,
        limit: BATCH,
      })
      const before = written
      for (let at = 0; at < decisions.length; at += AT_ONCE) {
        const taken = decisions.slice(at, at + AT_ONCE).map((read) => this.#give(metric, read))
        written += (await Promise.all(taken)).filter((isNew) => isNew).length
      }
      const nextMs = Math.max(fromMs, (decisions.at(-1)?.atMs ?? fromMs) - 1)
      // Those that were seen to do not come again; where none was and time stands still, going on would be going in circles.
      if (decisions.length < BATCH || (written === before && nextMs === fromMs)) break
      fromMs = nextMs
    }
    return written
  }

  /** @returns false where somebody has said something meanwhile, another replica has been there, or no value fits any more */
  async #give(metric: Metric, read: Parameters<typeof knownFrom>[1]): Promise<boolean> {
    try {
      return await this.#giveOrThrow(metric, read)
    } catch (error) {
      // Whoever has said all that may be said of one decision must not keep all later ones from their defaults.
      if (error instanceof ServerError && error.code === 'feedback_limit') return false
      throw error
    }
  }

  #giveOrThrow(metric: Metric, read: Parameters<typeof knownFrom>[1]): Promise<boolean> {
    const services = this.#services
    const { name, byDefault, windowMs = 0 } = metric
    return services.feedbackLock.run(read.id, async () => {
      const known = knownFrom(services, read)
      if (byDefault === undefined || known.rewards.some((reward) => reward.metric === name)) return false
      const { status } = await takeReward(services, known, {
        metric: name,
        value: readValue(metric, byDefault.value),
        source: byDefault.source === 'outcome' ? SILENT_OUTCOME : 'default',
        // The same id from whichever replica: the store keeps one.
        key: `default:${name}`,
        atMs: Math.floor(read.atMs + windowMs),
      })
      return status !== 'duplicate'
    })
  }

  #pauseMs(): number {
    const windows = [...this.#services.view().metrics.values()].flatMap(({ byDefault, windowMs }) =>
      byDefault === undefined || windowMs === undefined ? [] : [windowMs],
    )
    return Math.max(Math.min(SWEEP_EVERY_MS, ...windows), SWEEP_EVERY_MS_MIN)
  }
}
