/** A thread of a {@link Crew}: has the rows from its start, and runs one pass for each seed that it is sent. */
import { parentPort, workerData } from 'node:worker_threads'
import type { ModelInfo } from '../../datasets/index.ts'
import type { Selection } from '../outcome-table.ts'
import { type OnlinePlan, type OnlineRun, runOnline } from './online.ts'
import { createWorld, type Settings } from './prepare.ts'
import { type ToldError, toldError } from './told-error.ts'
import type { ReplayOptions } from './types.ts'

/** Plain data, which threads can be told. */
export interface CrewTask extends Pick<ReplayOptions, 'policyFile' | 'priorQuality' | 'halfLifeMs'> {
  readonly models: ReadonlyMap<string, ModelInfo>
  readonly settings: Settings
  readonly selection: Selection
}

export type CrewReply =
  | { readonly kind: 'ticks'; readonly ticks: number }
  | { readonly kind: 'done'; readonly run: OnlineRun }
  | { readonly kind: 'failed'; readonly error: ToldError }

const TICKS_PER_MESSAGE = 1_024

const { settings, selection, ...options } = workerData as CrewTask
let ticks = 0
const reply = (message: CrewReply): void => parentPort?.postMessage(message)
const flush = (): void => {
  if (ticks > 0) reply({ kind: 'ticks', ticks })
  ticks = 0
}
const pace = {
  tick(): undefined {
    if (++ticks === TICKS_PER_MESSAGE) flush()
  },
}
const world = createWorld(options, settings, selection, pace)

parentPort?.on('message', async ({ seed, plan }: { seed: number; plan: OnlinePlan }) => {
  try {
    const run = await runOnline(world, seed, plan)
    flush()
    reply({ kind: 'done', run })
  } catch (error) {
    reply({ kind: 'failed', error: toldError(error) })
  }
})
