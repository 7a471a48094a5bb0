/** Passes of one stream, a seed each, in this thread or in several: the runs are the same to the last bit. */
import { extname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Selection } from '../outcome-table.ts'
import { type OnlinePlan, type OnlineRun, runOnline } from './online.ts'
import type { CrewReply, CrewTask } from './online-worker.ts'
import type { Settings } from './prepare.ts'
import { errorOf } from './told-error.ts'
import type { ReplayOptions } from './types.ts'
import type { Pace, World } from './world.ts'

const WORKER = join(import.meta.dirname, `online-worker${extname(import.meta.filename)}`)

export interface Crew {
  /** One run for each seed, in the order of the seeds. */
  run(plan: OnlinePlan): Promise<readonly OnlineRun[]>
  close(): Promise<void>
}

/** What a crew works on. A learner made by `createRouter` cannot be told to another thread: then there is only this one. */
export interface CrewOptions {
  readonly options: ReplayOptions
  readonly settings: Settings
  readonly selection: Selection
  readonly world: World
}

export function createCrew({ options, settings, selection, world }: CrewOptions): Crew {
  const count = options.createRouter === undefined ? Math.min(settings.workers, settings.seeds.length) : 1
  if (count > 1) return new Threads(count, options, settings, selection, world.pace)
  return {
    async run(plan) {
      const runs: OnlineRun[] = []
      for (const seed of settings.seeds) runs.push(await runOnline(world, seed, plan))
      return runs
    },
    async close() {},
  }
}

/** Each thread has the rows from the start, and takes the next seed when it is done with one. */
class Threads implements Crew {
  readonly #seeds: readonly number[]
  readonly #pace: Pace
  readonly #signal: AbortSignal | undefined
  readonly #workers: readonly Worker[]

  constructor(count: number, options: ReplayOptions, settings: Settings, selection: Selection, pace: Pace) {
    this.#seeds = settings.seeds
    this.#pace = pace
    this.#signal = options.signal
    const { dataset, policyFile, priorQuality, halfLifeMs } = options
    const workerData: CrewTask = {
      models: dataset.models,
      ...(policyFile && { policyFile }),
      ...(priorQuality && { priorQuality }),
      ...(halfLifeMs && { halfLifeMs }),
      settings,
      selection,
    }
    this.#workers = Array.from({ length: count }, () => new Worker(WORKER, { workerData, env: {} }))
  }

  async run(plan: OnlinePlan): Promise<readonly OnlineRun[]> {
    const runs = new Array<OnlineRun>(this.#seeds.length)
    const next = this.#seeds.entries()
    const passed = Promise.withResolvers<never>()
    const onAbort = () => passed.reject(this.#signal?.reason)
    this.#signal?.throwIfAborted()
    this.#signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const all = this.#workers.map(async (worker) => {
        for (const [index, seed] of next) runs[index] = await this.#passOf(worker, seed, plan)
      })
      await Promise.race([Promise.all(all), passed.promise])
      return runs
    } finally {
      this.#signal?.removeEventListener('abort', onAbort)
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }

  #passOf(worker: Worker, seed: number, plan: OnlinePlan): Promise<OnlineRun> {
    return new Promise((done, failed) => {
      const onMessage = (reply: CrewReply): void => {
        if (reply.kind === 'ticks') {
          try {
            // What is due is told at once; the breath that goes with it is for those who compute.
            for (let tick = 0; tick < reply.ticks; tick++) void this.#pace.tick()
          } catch (error) {
            end()
            failed(error)
          }
          return
        }
        end()
        if (reply.kind === 'done') done(reply.run)
        else failed(errorOf(reply.error))
      }
      const onError = (error: unknown): void => {
        end()
        failed(error)
      }
      const end = (): void => {
        worker.off('message', onMessage).off('error', onError)
      }
      worker.on('message', onMessage).on('error', onError)
      worker.postMessage({ seed, plan })
    })
  }
}
