/**
 * Child process: writes the rows of answered requests into an embedded store as fast as it takes them, and tells once a second
 * and at the end, over IPC, what it has stored, how late its event loop was and how much memory it has.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore } from '../../adapters/index.ts'
import type { ArmId } from '../../engine/index.ts'
import { attemptRow, callObservations, decisionId, decisionRow } from '../helpers/store-rows.ts'

export interface WriterReport {
  readonly done: boolean
  readonly decisions: number
  readonly rssBytes: number
  readonly droppedRows: number
  readonly elapsedMs: number
  readonly eventLoopP99Ms: number
}

const DIMENSION = 25
const ARMS = ['a/one', 'b/two', 'c/three', 'd/four'] as ArmId[]
/** Rows of a request: decision, attempt, and observations of the serving heads and of success. */
const ROWS_PER_REQUEST = 4
/** So much may wait: half a second of the next batches, not a backlog. */
const WAITING_ROWS_MAX = 60_000
const CHUNK = 50

const [dataDir = '', total = '0'] = process.argv.slice(2)
const store = await openStore({
  kind: 'embedded',
  dataDir,
  replica: 'bench',
  spool: { directory: `${dataDir}/spool` },
})
const template = decisionRow()
const [estimate] = template.decision.estimates
const delay = monitorEventLoopDelay({ resolution: 5 })
const decisions = Number(total)
const startedMs = performance.now()
let stored = 0
let toldMs = startedMs

function write(): void {
  const atMs = Date.now()
  const id = decisionId(atMs)
  const x = Float64Array.from({ length: DIMENSION }, (_, i) => (i === 0 ? 1 : Math.sin(stored * i)))
  store.appendDecision(
    decisionRow(
      { requestId: id },
      {
        id,
        atMs,
        x,
        eligible: ARMS,
        probabilities: Float64Array.of(0.1, 0.2, 0.3, 0.4),
        estimates: ARMS.map((arm) => ({ ...(estimate as NonNullable<typeof estimate>), arm })),
        arm: ARMS[stored % ARMS.length] as ArmId,
      },
    ),
  )
  store.appendAttempt(attemptRow({ decisionId: id, atMs, arm: ARMS[stored % ARMS.length] as ArmId }))
  store.appendObservations(callObservations(id, atMs, x))
  stored += 1
}

function tell(done: boolean): Promise<void> {
  const report: WriterReport = {
    done,
    decisions: stored - store.stats().queuedRows / ROWS_PER_REQUEST,
    rssBytes: process.memoryUsage.rss(),
    droppedRows: store.stats().droppedRows,
    elapsedMs: performance.now() - startedMs,
    eventLoopP99Ms: delay.percentile(99) / 1e6,
  }
  return new Promise((resolve) => process.send?.(report, undefined, undefined, () => resolve()))
}

delay.enable()
while (stored < decisions) {
  for (let i = 0; i < CHUNK && stored < decisions; i += 1) write()
  // As between requests: timers and sockets have their turn.
  await (store.stats().queuedRows > WAITING_ROWS_MAX
    ? sleep(5)
    : new Promise<void>((next) => setImmediate(next)))
  if (performance.now() - toldMs > 1_000) {
    toldMs = performance.now()
    await tell(false)
  }
}
await store.flush()
await tell(true)
await store.close()
process.disconnect?.()
