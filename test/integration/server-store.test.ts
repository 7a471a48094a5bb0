/** The server on the real embedded store, in front of simulated providers of all three dialects. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import OpenAI from 'openai'
import { openStore, type Store } from '../../adapters/index.ts'
import { openDataset, readVerdict, type Simulator, startSimulator } from '../../datasets/index.ts'
import type { HeadSums } from '../../engine/index.ts'
import {
  createIds,
  type Registry,
  type RunningServer,
  registryFromSimulator,
  startServer,
} from '../../server/index.ts'

const clock = { nowMs: () => Date.now() }
const REPLICA = 'test-replica'
const SLOT_MS = 6 * 3_600_000

describe('the server on the embedded store', () => {
  let dataDir: string
  let simulator: Simulator
  let registry: Registry
  let store: Store
  let server: RunningServer
  let client: OpenAI

  async function start(): Promise<void> {
    store = await openStore({ kind: 'embedded', dataDir, replica: REPLICA })
    server = await startServer({
      registry,
      store,
      clock,
      ids: createIds(clock, randomBytes),
      replica: REPLICA,
    })
    client = new OpenAI({ apiKey: 'any', baseURL: `${server.url}/v1`, maxRetries: 0 })
  }

  async function stop(): Promise<void> {
    await server.close()
    await store.close()
  }

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'highwayman-server-'))
    simulator = await startSimulator({ dataset: await openDataset('crossroads'), latency: false })
    const arms = simulator.arms.map(({ contextWindowTokens, routeId, ...arm }) => ({
      ...arm,
      id: routeId,
      ...(contextWindowTokens !== undefined && { contextWindowTokens }),
    }))
    const simulated = registryFromSimulator(arms, { dataDir })
    registry = { ...simulated, server: { ...simulated.server, port: 0 } }
    await start()
  })
  after(async () => {
    await stop()
    await simulator.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  const ask = (model: string, content = 'Write a function that reverses a list.') =>
    client.chat.completions.create({ model, messages: [{ role: 'user', content }] }).withResponse()

  async function getJson(path: string): Promise<Record<string, unknown>> {
    const response = await fetch(server.url + path)
    assert.equal(response.status, 200)
    return (await response.json()) as Record<string, unknown>
  }

  const giveFeedback = (id: string, value: number, key: string) =>
    fetch(`${server.url}/v1/feedback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ decision_id: id, metric: 'quality', value, idempotency_key: key }),
    })

  const qualityOf = (arm: string) =>
    server.router.sums().find((entry) => entry.arm === arm && entry.head === 'quality')

  it('is answered by every arm, whatever it speaks, whole and streamed', async () => {
    for (const id of registry.arms.keys()) {
      const { data } = await ask(id)
      assert.equal(data.model, id)
      assert.ok(readVerdict(data.choices[0]?.message.content ?? ''), id)
      const stream = client.chat.completions.stream({
        model: id,
        messages: [{ role: 'user', content: 'Write a function that reverses a list.' }],
        stream_options: { include_usage: true },
      })
      const final = await stream.finalChatCompletion()
      assert.equal(final.choices[0]?.message.content, data.choices[0]?.message.content, id)
      assert.ok((final.usage?.completion_tokens ?? 0) > 0, id)
    }
  })

  it('finds a decision at once, with its calls and its distribution', async () => {
    const { response } = await ask('auto')
    const id = response.headers.get('x-highwayman-decision-id')
    const told = await getJson(`/v1/decisions/${id}`)
    assert.equal(told['decision_id'], id)
    assert.equal(told['served_arm'], response.headers.get('x-highwayman-arm'))
    const probabilities = Object.values(told['probabilities'] as Record<string, number>)
    assert.equal(probabilities.length, registry.arms.size)
    assert.ok(Math.abs(probabilities.reduce((sum, p) => sum + p, 0) - 1) < 1e-12)
    assert.equal(String(told['propensity']), response.headers.get('x-highwayman-propensity'))
    assert.equal((told['attempts'] as unknown[]).length, 1)
  })

  it('fails over when a provider dies, and says so in the store', async () => {
    const order = [...registry.arms.keys()].slice(0, 2)
    const [first = '', second = ''] = order
    const dead = simulator.arms.find(({ routeId }) => routeId === first)!
    simulator.setFault(dead.id, { kind: 'down' })
    const { response } = await client.chat.completions
      .create({ model: first, messages: [{ role: 'user', content: 'Hello' }], ...{ models: order } })
      .withResponse()
    simulator.setFault(dead.id, undefined)
    assert.equal(response.headers.get('x-highwayman-arm'), second)
    const told = await getJson(`/v1/decisions/${response.headers.get('x-highwayman-decision-id')}`)
    const parent = await getJson(`/v1/decisions/${told['parent_id']}`)
    assert.equal(parent['arm'], first)
    assert.equal(parent['served_arm'], null)
    assert.deepEqual(
      (told['exclusions'] as { arm: string; reason: string }[]).map(({ arm, reason }) => [arm, reason]),
      [[first, 'already_tried']],
    )
  })

  it('keeps feedback over a restart: believed, revised and counted once', async () => {
    const arm = [...registry.arms.keys()][0]!
    // Examples age from the start of their time bucket, whoever learned from them.
    const isOneExample = ({ n, asOfMs }: HeadSums): boolean => {
      const bucketMs = Math.floor(decidedMs / SLOT_MS) * SLOT_MS
      return Math.abs(n - 2 ** (-(asOfMs - bucketMs) / server.router.halfLifeMs.quality)) < 1e-9
    }
    const { response } = await ask(arm)
    const id = response.headers.get('x-highwayman-decision-id')!
    const decidedMs = Number.parseInt(id.replace('-', '').slice(0, 12), 16)
    assert.equal((await giveFeedback(id, 1, 'first')).status, 202)
    assert.ok(isOneExample(qualityOf(arm)!))

    await stop()
    await start()
    assert.ok(isOneExample(qualityOf(arm)!), 'what was learned is read back')
    const again = (await (await giveFeedback(id, 1, 'first')).json()) as { status: string }
    assert.equal(again.status, 'duplicate')
    const revised = (await (await giveFeedback(id, 0, 'second')).json()) as {
      status: string
      learned: boolean
    }
    assert.deepEqual([revised.status, revised.learned], ['revised', true])
    const sums = qualityOf(arm)!
    assert.ok(isOneExample(sums))
    assert.ok(Math.abs(sums.b[0]!) < 1e-9, 'the 1 is gone, a 0 is there')
    const told = await getJson(`/v1/decisions/${id}`)
    assert.deepEqual(
      (told['rewards'] as { value: number }[]).map(({ value }) => value),
      [1, 0],
    )
  })
})
