/**
 * `kill -9` of the gateway at random moments under load, again and again on one store: what was confirmed is there once.
 *
 * `npm run test:faults` kills 200 times; here a few times, `HIGHWAYMAN_KILLS` says how often.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import { openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import type { StoreLocation } from '../../adapters/index.ts'
import { startChildServer } from '../helpers/child-server.ts'
import { startTestClickHouse, type TestClickHouse } from '../helpers/clickhouse-http.ts'
import { FLUSH_MS, writeGatewayConfig } from '../helpers/fault-gateway.ts'
import { type Answered, startLoad, startPulse } from '../helpers/load.ts'
import { saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { census, missingFrom } from '../helpers/stored-once.ts'

/** Of each kind of store. */
const KILLS = Math.ceil(Number(process.env['HIGHWAYMAN_KILLS'] ?? 6) / 2)
/**
 * What is on its way from the caller's answer to the disk: the flush interval, and an event loop that is late by so much. In time
 * that the gateway has lived: while the whole machine stands still, nothing is written and nobody is late.
 */
const WINDOW_MS = FLUSH_MS + 800
const LOAD_MS = { least: 300, most: 2_500 }
const SEED = 20_261_122

interface Round extends Answered {
  readonly killedMs: number
}

describe('a gateway that is killed under load', () => {
  let folder: string
  let upstream: Awaited<ReturnType<typeof startOpenAiUpstream>>
  let server: TestClickHouse

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'highwayman-kills-'))
    upstream = await startOpenAiUpstream(saying('Both are.'))
    server = await startTestClickHouse('secret')
  })
  after(async () => {
    await server?.stop()
    await upstream?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  for (const kind of ['embedded', 'remote'] as const) {
    test(`loses nothing that was confirmed, and stores nothing twice: ${kind} store`, async (t) => {
      const random = generator(SEED + KILLS)
      const home = await mkdtemp(join(folder, `${kind}-`))
      const location: StoreLocation =
        kind === 'embedded'
          ? { kind, dataDir: join(home, 'data') }
          : { kind, url: server.url, database: 'kills', password: server.password }
      const config = await writeGatewayConfig(
        home,
        upstream.url,
        kind === 'embedded'
          ? { dataDir: 'data' }
          : { url: server.url, database: 'kills', password: server.password, spool: '{ dir: spool }' },
      )
      const rounds: Round[] = []
      let outages = 0
      for (let kill = 0; kill < KILLS; kill += 1) {
        const gateway = await startChildServer(['--config', config])
        const pulse = startPulse(gateway.url)
        const load = startLoad({
          url: gateway.url,
          callers: 8,
          pauseMs: 10,
          random,
          nowMs: pulse.livedMs,
        })
        const loadMs = LOAD_MS.least + random() * (LOAD_MS.most - LOAD_MS.least)
        // In every third round of a server it has gone before the gateway is killed.
        const isOutage = kind === 'remote' && kill % 3 === 2
        await pulse.until(isOutage ? loadMs / 2 : loadMs)
        if (isOutage) {
          outages += 1
          await server.refuse()
          await pulse.until(loadMs)
        }
        const killedMs = pulse.livedMs()
        await gateway.kill('SIGKILL')
        await Promise.all([load.stop(), pulse.stop()])
        if (isOutage) await server.listen()
        rounds.push(...load.answered.map((entry) => ({ ...entry, killedMs })))
      }
      // Whatever was left is written by the next one, which ends as it should.
      const last = await startChildServer(['--config', config])
      await last.kill('SIGTERM')

      const store = await openClickHouseStore({ ...location, replica: 'reader' })
      const stored = await census(store.queryRows).finally(() => store.close())
      const old = rounds.filter(({ finishedMs, killedMs }) => finishedMs < killedMs - WINDOW_MS)
      const late = rounds.filter(({ finishedMs, killedMs }) => finishedMs >= killedMs - WINDOW_MS)
      const acknowledged = rounds.filter(({ feedbackKey }) => feedbackKey !== undefined)
      const missing = missingFrom(stored, rounds)
      const missingOld = missingFrom(stored, old)
      t.diagnostic(
        `${KILLS} kills${outages > 0 ? `, ${outages} of them while ClickHouse was away` : ''}: ${acknowledged.length} feedbacks acknowledged, ` +
          `${missing.feedback.length} lost; ${old.length} decisions older than ${WINDOW_MS} ms, ${missingOld.decisions.length} lost; ` +
          `${late.length} younger, ${missing.decisions.length - missingOld.decisions.length} lost; duplicates: ` +
          `${stored.duplicateDecisions + stored.duplicateAttempts + stored.duplicateRewards + stored.duplicateObservations}`,
      )
      assert.ok(acknowledged.length >= KILLS * 5 && old.length >= KILLS, 'there was load')
      assert.deepEqual(missing.feedback, [], 'acknowledged feedback')
      assert.deepEqual(missing.lessons, [], 'what was learned from it')
      assert.deepEqual(missingOld.decisions, [], 'decisions older than the window')
      assert.deepEqual(missingOld.attempts, [], 'attempts older than the window')
      assert.equal(stored.duplicateDecisions, 0)
      assert.equal(stored.duplicateAttempts, 0)
      assert.equal(stored.duplicateRewards, 0)
      assert.equal(stored.duplicateObservations, 0)
      assert.equal(stored.unsummedObservations, 0)
      if (kind === 'remote') {
        const left = (await readdir(join(home, 'spool'), { recursive: true })).filter((name) =>
          /segment$/.test(name),
        )
        assert.deepEqual(left, [])
      }
    })
  }
})

/** Uniform in [0, 1), from a seed. */
function generator(seed: number): () => number {
  const source = xoroshiro128plus(seed)
  return () => uniformFloat64(source)
}
