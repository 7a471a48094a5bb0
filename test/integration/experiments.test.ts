/**
 * Experiments on the running server, with simulated providers behind it and a ClickHouse over HTTP: of a better, an equal and a
 * harmful variant the harmful one is stopped by its guardrail, the better one is found and the equal one is not; a restart and
 * another replica change nobody's variant; and what loses exposures is found out.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore, type Store, type StoreLocation } from '../../adapters/index.ts'
import {
  openDataset,
  type PromptRow,
  readVerdict,
  type Simulator,
  startSimulator,
} from '../../datasets/index.ts'
import { DEFAULT_GATE_RULES } from '../../eval/gate/index.ts'
import {
  createIds,
  type Registry,
  type RunningServer,
  registryFromSimulator,
  startServer,
} from '../../server/index.ts'
import { type Place, remotePlace } from '../helpers/store-places.ts'

const CONTROL = 'sim-openai/turnpike-mini'
const BETTER = 'sim-openai/turnpike-large'
const HARMFUL = 'sim-google/lantern-lite'
const USERS = 700
/** Feedback waits for its batch to be stored: many at once share one. */
const CONCURRENCY = 64
const BATCH = 700
/** Far more than it takes: the variants' true means on these prompts are 0.63, 0.83 and 0.37. */
const REQUESTS_MAX = 7_000

interface Sent {
  readonly user: string
  /** `experiment/variant`; null: in none. */
  readonly variant: string | null
}

describe('experiments on live traffic', { timeout: 400_000 }, () => {
  let place: Place
  let location: StoreLocation
  let simulator: Simulator
  let registry: Registry
  let prompts: readonly PromptRow[]
  let folder: string
  let opened = 0
  const clock = { nowMs: () => Date.now() }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'highwayman-experiments-'))
    place = await remotePlace()
    location = await place.fresh()
    const dataset = await openDataset('crossroads')
    simulator = await startSimulator({ dataset, latency: false })
    const rows: PromptRow[] = []
    for await (const row of dataset.rows()) if (row.category === 'math') rows.push(row)
    prompts = rows
    const arms = simulator.arms.map(({ routeId: _, contextWindowTokens, ...arm }) => ({
      ...arm,
      ...(contextWindowTokens !== undefined && { contextWindowTokens }),
    }))
    registry = {
      ...registryFromSimulator(arms, { classes: simulator.categories }),
      promotion: { rules: DEFAULT_GATE_RULES, canaryShare: 0.05, unit: 'session', followEveryMs: 500 },
    }
  })
  after(async () => {
    await simulator.close()
    await place.end()
    await rm(folder, { recursive: true, force: true })
  })

  /** What a test leaves open. */
  const open = new Set<{ close(): Promise<void> }>()
  /** Feedback is on the disk before it is acknowledged, so that nobody waits for a busy ClickHouse. */
  const openAs = async (replica: string): Promise<Store> => {
    const spool = { directory: join(folder, `spool-${opened++}`) }
    const store = await openStore({ ...location, replica, spool, writer: { rewardTimeoutMs: 60_000 } })
    open.add(store)
    return store
  }
  const closeAll = async (...some: readonly { close(): Promise<void> }[]) => {
    // Servers before the stores behind them.
    for (const each of some.toReversed()) {
      await each.close()
      open.delete(each)
    }
  }
  afterEach(() => closeAll(...open))
  const serve = async (store: Store, replica: string): Promise<RunningServer> => {
    const server = await startServer({
      registry,
      store,
      clock,
      ids: createIds(clock, randomBytes),
      replica,
      port: 0,
      experimentCheckMs: 800,
    })
    open.add(server)
    return server
  }

  async function call(server: RunningServer, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const response = await fetch(server.url + path, {
      ...(body !== undefined && {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    const answer = (await response.json()) as Record<string, unknown>
    assert.ok(response.ok, `${path}: ${response.status} ${JSON.stringify(answer)}`)
    return answer
  }

  /** Requests numbered from `from` on, each of the next user. @param judged feeds back what the simulator says of the answer */
  async function drive(server: RunningServer, from: number, count: number, judged = false): Promise<Sent[]> {
    const sent: Sent[] = []
    let next = from
    await Promise.all(
      Array.from({ length: CONCURRENCY }, async () => {
        while (next < from + count) {
          const index = next++
          // A user meets other prompts each time round.
          const row = prompts[(index * 37 + Math.floor(index / USERS) * 11) % prompts.length]!
          const user = `user-${index % USERS}`
          const response = await fetch(`${server.url}/v1/chat/completions`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ model: 'auto', user, messages: [{ role: 'user', content: row.prompt }] }),
          })
          const answer = (await response.json()) as { choices: { message: { content: string } }[] }
          assert.equal(response.status, 200)
          sent.push({ user, variant: response.headers.get('x-highwayman-experiment') })
          if (!judged) continue
          const quality = readVerdict(answer.choices[0]?.message.content ?? '')?.quality
          const decision = response.headers.get('x-highwayman-decision-id')
          await call(server, '/v1/feedback', { decision_id: decision, metric: 'quality', value: quality })
        }
      }),
    )
    return sent
  }

  const fixed = (arm: string) => ({ name: 'fixed', arm })

  test('the harmful is stopped, the better found, the equal not; nobody changes variants', async (t) => {
    let store = await openAs('replica-1')
    let server = await serve(store, 'replica-1')
    const variants = [
      { key: 'control', policy: fixed(CONTROL) },
      { key: 'better', policy: fixed(BETTER) },
      { key: 'equal', policy: { name: 'priority', order: [CONTROL, BETTER] } },
      { key: 'harmful', policy: fixed(HARMFUL) },
    ]
    const created = await call(server, '/admin/v1/experiments', {
      key: 'math-arms',
      hypothesis: 'the large model is worth it for math',
      unit: 'user',
      variants,
      models: ['auto'],
      planned_units: USERS,
      metrics: [
        { measure: 'quality', role: 'primary' },
        { measure: 'cost_usd', role: 'secondary' },
        { measure: 'quality', name: 'quality floor', role: 'guardrail', margin: 0.05 },
        { measure: 'error_rate', role: 'guardrail' },
      ],
      actor: 'test',
      reason: 'to see',
    })
    assert.equal(created['status'], 'draft')
    await call(server, '/admin/v1/experiments/math-arms/start', { actor: 'test' })

    const variantOf = new Map<string, string | null>()
    let stopped = false
    let verdict: { kind?: string; winner?: string } = {}
    let index = 0
    while (index < REQUESTS_MAX && !(stopped && verdict.winner === 'better')) {
      for (const { user, variant } of await drive(server, index, BATCH, true)) {
        const known = variantOf.get(user) ?? variant
        // Who was given the harmful variant takes part no more once it is stopped.
        const left = known === 'math-arms/harmful' && variant === null
        assert.ok(variant === known || left, `${user} was in ${known}, and is in ${variant}`)
        variantOf.set(user, known)
      }
      index += BATCH
      await store.flush()
      // The look-out comes round by itself.
      await sleep(2_500)
      const state = (await call(server, '/admin/v1/experiments/math-arms')) as {
        variants: { variant: string; stopped: string | null }[]
      }
      stopped = state.variants.some((each) => each.variant === 'harmful' && each.stopped !== null)
      const report = await call(server, '/admin/v1/experiments/math-arms/report')
      verdict = report['verdict'] as typeof verdict
      assert.deepEqual(report['alarms'], [])
    }
    assert.ok(stopped, `the harmful variant still runs after ${index} requests`)
    assert.equal(verdict.winner, 'better', `${JSON.stringify(verdict)} after ${index} requests`)

    t.diagnostic(`harm stopped and the better found within ${index} requests`)
    const report = (await call(server, '/admin/v1/experiments/math-arms/report')) as {
      comparisons: { variant: string; metric: string; role: string; verdict: string }[]
      variants: { variant: string; stopped?: string; units: number }[]
    }
    const of = (variant: string, metric: string) =>
      report.comparisons.find((each) => each.variant === variant && each.metric === metric)?.verdict
    assert.equal(of('better', 'quality'), 'better')
    assert.equal(of('equal', 'quality'), 'no_difference_yet')
    assert.equal(of('better', 'cost_usd'), 'worse', 'the better one is dearer, and that is said')
    const harmful = report.variants.find(({ variant }) => variant === 'harmful')
    assert.match(harmful?.stopped ?? '', /quality floor of harmful/)
    const history = (await call(server, '/admin/v1/experiments/math-arms/history')) as {
      data: { action: string; actor: string }[]
    }
    assert.deepEqual(
      history.data.map(({ action, actor }) => [action, actor]),
      [
        ['created', 'test'],
        ['started', 'test'],
        ['variant_stopped', 'highwayman'],
      ],
    )

    await closeAll(store, server)
    // The same process name starts again, and another joins it.
    store = await openAs('replica-1')
    server = await serve(store, 'replica-1')
    const otherStore = await openAs('replica-2')
    const other = await serve(otherStore, 'replica-2')
    for (const replica of [server, other]) {
      for (const { user, variant } of await drive(replica, index, 300)) {
        const known = variantOf.get(user)
        assert.equal(variant, known === 'math-arms/harmful' ? null : known, user)
      }
    }
    // A step on one is in force on the other soon after.
    await call(other, '/admin/v1/experiments/math-arms/stop', { actor: 'test', reason: 'seen enough' })
    const deadline = Date.now() + 60_000
    let late: string | null = 'math-arms'
    while (late !== null && Date.now() < deadline) late = (await drive(server, index, 1))[0]?.variant ?? null
    assert.equal(late, null)
  })

  test('an assignment that loses units of a variant on the way to the log raises the alarm', async () => {
    const store = await openAs('replica-1')
    // Planted: a fifth of the exposures of one variant never arrive.
    const leaking: Store = {
      ...store,
      appendAssignment: (row) => {
        if (row.variant === 'b' && Number.parseInt(row.unit.slice(0, 2), 16) < 77) return
        store.appendAssignment(row)
      },
    }
    const server = await serve(leaking, 'replica-1')
    await call(server, '/admin/v1/experiments', {
      key: 'leak',
      unit: 'user',
      variants: [
        { key: 'a', policy: 'current' },
        { key: 'b', policy: 'current' },
      ],
    })
    await call(server, '/admin/v1/experiments/leak/start', {})
    await drive(server, 0, USERS)
    const report = (await call(server, '/admin/v1/experiments/leak/report')) as {
      alarms: { code: string }[]
      verdict: { kind: string }
      sample_ratio: { p_value: number }
    }
    assert.deepEqual(
      report.alarms.map(({ code }) => code),
      ['sample_ratio_mismatch'],
    )
    assert.equal(report.verdict.kind, 'blocked')
    const alarm = /highwayman_experiment_alarms\{experiment="leak",code="sample_ratio_mismatch"\} 1/
    const deadline = Date.now() + 60_000
    let metrics = ''
    while (!alarm.test(metrics) && Date.now() < deadline) {
      metrics = await (await fetch(`${server.url}/metrics`)).text()
      await sleep(200)
    }
    assert.match(metrics, alarm)
    assert.ok(report.sample_ratio.p_value < 1e-3)
  })
})
