/**
 * `kill -9` of the embedded engine, not of the gateway, in the middle of inserts: it is started again, and what waited is stored once.
 *
 * `npm run test:faults` kills it more often; `HIGHWAYMAN_KILLS` says in how many processes.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import { DEATHS_MAX } from '../../adapters/clickhouse/supervisor.ts'
import type { Observation } from '../../engine/index.ts'
import { assertSums, directSums } from '../helpers/direct-sums.ts'
import {
  callObservations,
  decisionId,
  decisionRow,
  NEVER_FORGET,
  observation,
  rewardRow,
  SPACE,
} from '../helpers/store-rows.ts'

/** Of one process: it starts an engine again as often as this. */
const KILLS = 4
const PROCESSES = Math.max(1, Math.round(Number(process.env['HIGHWAYMAN_KILLS'] ?? 6) / 20))
const DIMENSION = 25

test('an embedded engine that is killed is started again, and everything is stored once', async (t) => {
  assert.ok(KILLS < DEATHS_MAX)
  const dataDir = await mkdtemp(join(tmpdir(), 'highwayman-engine-'))
  const open = () =>
    openClickHouseStore({
      kind: 'embedded',
      dataDir,
      replica: 'replica-1',
      writer: { flushEveryMs: 20, retryFirstMs: 20, retryMaxMs: 200 },
      spool: { directory: join(dataDir, 'spool') },
    })
  const decided: string[] = []
  const rewarded: string[] = []
  const learned: Observation[] = []
  let restarts = 0
  try {
    for (let n = 0; n < PROCESSES; n += 1) {
      const store = await open()
      for (let kill = 0; kill < KILLS; kill += 1) {
        const before = store.stats().engineRestarts
        let writing = true
        const writes = (async () => {
          while (writing) {
            const atMs = Date.now()
            for (let i = 0; i < 20; i += 1) {
              const id = decisionId(atMs)
              const x = Float64Array.from({ length: DIMENSION }, (_, k) =>
                k === 0 ? 1 : Math.sin(decided.length * k),
              )
              store.appendDecision(decisionRow({}, { id, atMs, x }))
              const observations = callObservations(id, atMs, x)
              store.appendObservations(observations)
              learned.push(...observations)
              decided.push(id)
            }
            const id = decisionId(atMs)
            const lesson = observation({
              decisionId: id,
              atMs,
              x: Float64Array.from({ length: DIMENSION }, () => 0.5),
            })
            await store.writeReward(rewardRow({ decisionId: id, atMs }), [lesson])
            rewarded.push(id)
            learned.push(lesson)
            await sleep(5)
          }
        })()
        await sleep(150 + 97 * kill + 31 * n)
        process.kill(engineOf(process.pid), 'SIGKILL')
        await sleep(100)
        writing = false
        await writes
        const deadline = performance.now() + 30_000
        while (store.stats().engineRestarts === before || store.stats().queuedRows > 0) {
          assert.ok(performance.now() < deadline, `still ${JSON.stringify(store.stats())}`)
          await sleep(20)
        }
        restarts += 1
      }
      assert.equal(store.stats().droppedRows, 0)
      await store.close()
    }
    const store = await open()
    try {
      const ids = async (table: string) =>
        (await store.queryRows(`SELECT decision_id AS id FROM ${table}`)).map((row) => String(row['id']))
      const decisions = await ids('decisions')
      const rewards = await ids('rewards')
      t.diagnostic(
        `${restarts} deaths of the engine: ${decided.length} decisions written, ${decisions.length} stored, ${rewarded.length} feedbacks written, ` +
          `${rewards.length} stored`,
      )
      assert.deepEqual(decisions.sort(), decided.sort())
      assert.deepEqual(rewards.sort(), rewarded.sort())
      const nowMs = Date.now()
      const sums = await store.loadSums({ featureSpace: SPACE, nowMs, halfLifeMs: NEVER_FORGET })
      assertSums(sums, directSums(learned, nowMs, NEVER_FORGET))
    } finally {
      await store.close()
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})

/** The process of the engine, as Linux tells it. */
function engineOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])
}
