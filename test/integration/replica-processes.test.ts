/** Three processes, one store, traffic through all of them: each comes to believe what one process would. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { driveTraffic, openDataset, type PromptRow, type TrafficResult } from '../../datasets/index.ts'
import {
  type ArmEstimate,
  type ArmId,
  createRouter,
  type HeadName,
  type HeadSums,
} from '../../engine/index.ts'
import type { ChildServer } from '../helpers/child-server.ts'
import { directSums } from '../helpers/direct-sums.ts'
import { decide } from '../helpers/engine.ts'
import { type Fleet, startFleet } from '../helpers/replica-fleet.ts'
import { NEVER_FORGET } from '../helpers/store-rows.ts'

const REPLICAS = 3
const PROMPTS_EACH = 120

interface RouteReply {
  readonly decision_id: string
  readonly estimates: readonly {
    readonly arm: string
    readonly quality: { readonly mean: number; readonly sd: number }
    readonly ttft_ms: number
    readonly tpot_ms: number
    readonly output_tokens: number
    readonly success: { readonly mean: number; readonly sd: number }
  }[]
}

describe('three processes over one store', () => {
  let fleet: Fleet
  let prompts: PromptRow[]
  let results: TrafficResult[]

  before(async () => {
    const dataset = await openDataset('crossroads')
    fleet = await startFleet({ dataset, replicas: REPLICAS, mergeEveryMs: 250, neverForget: true })
    prompts = []
    for await (const row of dataset.rows()) prompts.push(row)
    const parts = await Promise.all(
      fleet.servers.map(({ url }, i) =>
        driveTraffic({
          url,
          prompts: prompts.slice(i * PROMPTS_EACH, (i + 1) * PROMPTS_EACH),
          concurrency: 4,
        }),
      ),
    )
    results = parts.flat()
    await fleet.settled()
  })
  after(() => fleet?.close())

  test('answer everything, and store each example once', async () => {
    assert.deepEqual(
      results.filter(({ status, feedbackStatus }) => status !== 200 || feedbackStatus !== 202),
      [],
    )
    const stored = await fleet.stored()
    const count = (head: HeadName) => stored.filter((each) => each.head === head).length
    assert.equal(count('quality'), REPLICAS * PROMPTS_EACH)
    assert.equal(count('success'), REPLICAS * PROMPTS_EACH)
    assert.equal(new Set(stored.map(({ decisionId, head }) => `${decisionId} ${head}`)).size, stored.length)
  })

  test('believe what one process would of all their examples, to 1e-9', async () => {
    for (const server of fleet.servers) await assertBelievesAll(server)
  })

  test('a revised judgement reaches all, whoever was told', async () => {
    const judged = results[0]!
    const response = await fetch(`${fleet.servers[1]!.url}/v1/feedback`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ decision_id: judged.decisionId, metric: 'quality', value: null }),
    })
    assert.equal(response.status, 202, await response.text())
    await fleet.settled()
    for (const server of fleet.servers) await assertBelievesAll(server)
  })

  test('one that is killed leaves what it has stored, and one that joins knows it', async () => {
    await fleet.servers[2]!.kill('SIGKILL')
    const joined = await fleet.join()
    await assertBelievesAll(joined)
    const { replicas } = (await (await fetch(`${joined.url}/readyz`)).json()) as {
      replicas: { others: number; failedMerges: number }
    }
    assert.deepEqual([replicas.others, replicas.failedMerges], [REPLICAS, 0])
  })

  async function assertBelievesAll(server: ChildServer): Promise<void> {
    const route = await send<RouteReply>(`${server.url}/v1/route`, {
      model: 'auto',
      messages: [{ role: 'user', content: prompts[0]!.prompt }],
      highwayman: { class: prompts[0]!.category },
    })
    const { context } = await send<{ context: { features: Record<string, number> } }>(
      `${server.url}/v1/decisions/${route.decision_id}`,
    )
    const expected = await believedByOne(Float64Array.from(Object.values(context.features)))
    assert.equal(route.estimates.length, expected.size)
    for (const estimate of route.estimates) {
      const wants = expected.get(estimate.arm)!
      const near = (actual: number, own: number, what: string): void =>
        assert.ok(
          Math.abs(actual / own - 1) <= 1e-9,
          `${server.url} ${estimate.arm} ${what}: ${actual}, ${own}`,
        )
      near(estimate.quality.mean, wants.quality.mean, 'mean quality')
      near(estimate.quality.sd, wants.quality.sd, 'sd of quality')
      near(estimate.ttft_ms, wants.ttftMs, 'ttft')
      near(estimate.tpot_ms, wants.tpotMs, 'tpot')
      near(estimate.output_tokens, wants.outputTokens, 'output tokens')
      near(estimate.success.mean, wants.success.mean, 'success')
      near(estimate.success.sd, wants.success.sd, 'sd of success')
    }
  }

  /** What a router believes that is given the sums of all stored examples, by the definition of the sums. */
  async function believedByOne(x: Float64Array): Promise<Map<string, ArmEstimate>> {
    const nowMs = Date.now()
    const { arms, space } = fleet
    const router = createRouter({
      arms,
      featureSpace: { ...space, vector: () => x },
      halfLifeMs: NEVER_FORGET,
    })
    // Answers take as long as this machine does: where it grows busy or quick from one moment to the next, that is a change.
    const cuts = await fleet.cuts()
    const counted = (await fleet.stored()).filter(({ arm, head, atMs }) => {
      const cut = cuts.find((each) => each.arm === arm && each.head === head)
      return atMs >= (cut?.sinceMs ?? 0)
    })
    const sums = [...directSums(counted, nowMs, NEVER_FORGET)].map(([key, { n, A, b, c }]): HeadSums => {
      const [arm, head] = key.split(' ') as [ArmId, HeadName]
      return { arm, head, featureSpace: space.id, asOfMs: nowMs, n, A, b, c }
    })
    router.replaceElsewhere({ sums, cuts, withHandedOver: true })
    for (const _step of router.settling(nowMs));
    return new Map(decide(router, { atMs: nowMs }).estimates.map((estimate) => [estimate.arm, estimate]))
  }
})

/** GET without a body, POST with one. */
async function send<Reply>(url: string, body?: unknown): Promise<Reply> {
  const response = await fetch(url, {
    ...(body !== undefined && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  })
  assert.equal(response.status, 200, await response.clone().text())
  return (await response.json()) as Reply
}
