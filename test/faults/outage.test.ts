/**
 * ClickHouse goes away under load and comes back: callers do not notice, and nothing is lost.
 *
 * `npm run test:faults` takes it away for 60 s; here for a few, `HIGHWAYMAN_OUTAGE_S` says how long.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import { type ChildServer, startChildServer } from '../helpers/child-server.ts'
import { startTestClickHouse } from '../helpers/clickhouse-http.ts'
import { writeGatewayConfig } from '../helpers/fault-gateway.ts'
import { type Answered, type Load, quantile, startLoad } from '../helpers/load.ts'
import { saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { census, missingFrom } from '../helpers/stored-once.ts'

const OUTAGE_MS = Number(process.env['HIGHWAYMAN_OUTAGE_S'] ?? 15) * 1_000
/** Before it, and after: to compare with. */
const CALM_MS = Math.min(OUTAGE_MS / 2, 20_000)
const REPLAY_MS_MAX = 60_000
const DATABASE = 'outage'

test('while ClickHouse is away requests are answered as before, and everything is stored once when it is back', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'highwayman-outage-'))
  const server = await startTestClickHouse('secret')
  await using upstream = await startOpenAiUpstream(saying('Both are.'))
  let gateway: ChildServer | undefined
  let load: Load | undefined
  try {
    const config = await writeGatewayConfig(folder, upstream.url, {
      url: server.url,
      database: DATABASE,
      password: server.password,
      spool: '{ dir: spool }',
    })
    gateway = await startChildServer(['--config', config])
    const { url } = gateway
    // A steady pace far below what the machine can do: what is compared is how long callers wait.
    load = startLoad({ url, callers: 4, pauseMs: 60, random: Math.random })
    await sleep(3_000)
    const awayMs = await calm(load.answered)
    const readyBefore = await readiness(url)
    await server.refuse()
    const outageFromMs = Date.now()
    await sleep(OUTAGE_MS / 2)
    const during = await readiness(url)
    await sleep(OUTAGE_MS / 2)
    const outageToMs = Date.now()
    await server.listen()
    const caughtUpMs = await caughtUp(url)
    const backMs = await calm(load.answered)
    await load.stop()
    await gateway.kill('SIGTERM')

    const store = await openClickHouseStore({
      kind: 'remote',
      url: server.url,
      database: DATABASE,
      password: server.password,
      replica: 'reader',
    })
    const stored = await census(store.queryRows).finally(() => store.close())
    const away = load.answered
      .filter(({ finishedMs }) => finishedMs >= outageFromMs && finishedMs < outageToMs)
      .map(({ latencyMs }) => latencyMs)
    const calmMs = [...awayMs, ...backMs]
    const missing = missingFrom(stored, load.answered)
    const ratio = (q: number): string => (quantile(away, q) / quantile(calmMs, q)).toFixed(2)
    t.diagnostic(
      `away for ${(outageToMs - outageFromMs) / 1_000} s: ${away.length} requests, latency p50 ${quantile(away, 0.5).toFixed(1)} ms = ${ratio(0.5)} ×, ` +
        `p95 ${quantile(away, 0.95).toFixed(1)} ms = ${ratio(0.95)} ×, p99 ${quantile(away, 0.99).toFixed(1)} ms = ${ratio(0.99)} × that of ` +
        `${calmMs.length} requests before and after; ${load.answered.length} decisions, ${missing.decisions.length} lost; ` +
        `${load.answered.filter(({ feedbackKey }) => feedbackKey !== undefined).length} feedbacks, ${missing.feedback.length} lost; ` +
        `replayed ${caughtUpMs} ms after it was back`,
    )
    assert.deepEqual([...load.failures], [], 'every request and every feedback was taken')
    assert.ok(away.length > 50, 'there was load')
    assert.equal(readyBefore.checks.store, 'ok')
    assert.equal(readyBefore.code, 200)
    assert.equal(during.checks.store, 'degraded')
    assert.equal(during.code, 200)
    assert.equal(during.store.state, 'spooling')
    assert.ok(during.store.queuedRows > 50 && during.store.spoolBytes > 0)
    assert.deepEqual(missing, { decisions: [], attempts: [], feedback: [], lessons: [] })
    assert.equal(
      stored.duplicateDecisions +
        stored.duplicateAttempts +
        stored.duplicateRewards +
        stored.duplicateObservations,
      0,
    )
    assert.equal(stored.unsummedObservations, 0)
  } finally {
    await gateway?.kill('SIGKILL')
    await load?.stop()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
})

/** Latencies of what is answered in the next while. */
async function calm(answered: readonly Answered[]): Promise<number[]> {
  const from = answered.length
  await sleep(CALM_MS)
  return answered.slice(from).map(({ latencyMs }) => latencyMs)
}

interface Readiness {
  readonly code: number
  readonly checks: { readonly store: string }
  readonly store: {
    readonly state: string
    readonly queuedRows: number
    readonly spoolBytes: number
    readonly oldestMs: number
  }
}

async function readiness(url: string): Promise<Readiness> {
  const response = await fetch(`${url}/readyz`)
  return { code: response.status, ...((await response.json()) as Omit<Readiness, 'code'>) }
}

/** Until nothing older than the flush interval waits; how long that took, ms. */
async function caughtUp(url: string): Promise<number> {
  const fromMs = Date.now()
  for (;;) {
    const { store } = await readiness(url)
    const tookMs = Date.now() - fromMs
    if (store.state === 'normal' && store.oldestMs < 3_000) return tookMs
    assert.ok(tookMs < REPLAY_MS_MAX, `still ${store.state} after ${tookMs} ms`)
    await sleep(100)
  }
}
