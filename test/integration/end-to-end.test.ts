/**
 * The main job on real prompts: MMLU-Pro questions go over HTTP through the server to simulated providers whose answers
 * are as good as the recorded ones; feedback follows each; one provider dies on the way; the server is killed and starts
 * again. What ClickHouse then holds is read by queries of its own.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from '@clickhouse/client'
import { createChdbConnection } from 'chdb/connection'
import {
  driveTraffic,
  openDataset,
  type PromptRow,
  startSimulator,
  type TrafficResult,
} from '../../datasets/index.ts'
import {
  type ArmId,
  type Belief,
  createFeatureSpace,
  createRouter,
  DEFAULT_CLASSES,
  type DecisionId,
  type FeatureSpaceId,
  type HeadSums,
  type Observation,
} from '../../engine/index.ts'
import { type ChildServer, startChildServer } from '../helpers/child-server.ts'
import { arm, assertClose, decide } from '../helpers/engine.ts'
import { waitForStores } from '../helpers/replica-fleet.ts'
import { needsShared, sharedPath } from '../helpers/shared.ts'

const PROMPTS = 3_000
const OUTAGE = { from: 1_200, to: 1_800 }
const CONCURRENCY = 8

suite('end to end on MMLU-Pro', needsShared('data', 'mmlu-pro'), () => {
  let dataDir: string
  let server: ChildServer
  let prompts: readonly PromptRow[]
  let results: readonly TrafficResult[]

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'highwayman-e2e-'))
    prompts = await somePrompts()
    server = await startChildServer(serveArgs(dataDir))
    results = await driveThroughOutage(server, prompts)
    // What was answered is written within the flush interval of the store, and by a busy machine later.
    await waitForStores([server])
    await server.kill('SIGKILL')
  })

  after(async () => {
    await server?.kill('SIGKILL')
    await rm(dataDir, { recursive: true, force: true })
  })

  test('no request fails, though an arm dies in the middle', () => {
    assert.equal(results.length, PROMPTS)
    assert.deepEqual(
      results.filter((result) => result.status !== 200).map((result) => result.error),
      [],
    )
    assert.ok(results.every((result) => result.feedbackStatus === 202))
    const failedOver = results.filter((result) => (result.attempts ?? 0) > 1).length
    assert.ok(failedOver > 0, 'nothing was failed over: the outage was not felt')
  })

  test('in the last third it answers better than the uniform policy, beyond chance', () => {
    const lastThird = results.slice((2 * PROMPTS) / 3)
    const rows = new Map(prompts.map((row) => [row.promptId, row]))
    const gains = lastThird.map((result) => {
      const qualities = [...(rows.get(result.promptId)?.outcomes.values() ?? [])].map(
        (outcome) => outcome.quality,
      )
      const uniform = qualities.reduce((sum, quality) => sum + quality, 0) / qualities.length
      return (result.quality as number) - uniform
    })
    const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length
    const variance = gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0) / (gains.length - 1)
    const half = 1.96 * Math.sqrt(variance / gains.length)
    assert.ok(mean - half > 0.1, `gain ${mean.toFixed(3)} ± ${half.toFixed(3)} over the uniform policy`)
  })

  test('ClickHouse has every decision once, with a distribution over its eligible arms that sums to 1', async () => {
    const rows = await query<{
      n: string
      ids: string
      worst: number
      mismatched: string
      excludedAndEligible: string
    }>(
      dataDir,
      `SELECT count() AS n, uniqExact(decision_id) AS ids,
              max(abs(arraySum(probabilities) - 1)) AS worst,
              countIf(length(probabilities) != length(eligible)
                   OR propensity != probabilities[indexOf(eligible, arm)]) AS mismatched,
              countIf(hasAny(eligible, excluded_arms)) AS excludedAndEligible
       FROM decisions`,
    )
    const [{ n, ids, worst, mismatched, excludedAndEligible }] = rows as [(typeof rows)[number]]
    const decided = results.reduce((sum, result) => sum + (result.attempts ?? 0), 0)
    assert.equal(Number(n), decided)
    assert.equal(Number(ids), decided)
    assert.ok(worst <= 1e-12, `${worst}`)
    assert.equal(Number(mismatched), 0)
    assert.equal(Number(excludedAndEligible), 0)
    const [{ rewards }] = (await query<{ rewards: string }>(
      dataDir,
      'SELECT count() AS rewards FROM rewards FINAL',
    )) as [{ rewards: string }]
    assert.equal(Number(rewards), PROMPTS)
  })

  test('killed with -9 and started again, it believes what the stored observations add up to', async () => {
    const observations = await storedQuality(dataDir)
    assert.equal(observations.length, PROMPTS)
    const requestClass = (prompts[0] as PromptRow).category
    server = await startChildServer(serveArgs(dataDir))
    const route = await send<RouteReply>(`${server.url}/v1/route`, {
      model: 'auto/best',
      messages: [{ role: 'user', content: (prompts[0] as PromptRow).prompt }],
      highwayman: { class: requestClass },
    })
    const record = await send<DecisionReply>(`${server.url}/v1/decisions/${route.decision_id}`)
    await server.kill('SIGTERM')
    const { features, feature_space } = record.context
    assert.equal(features[`class:${requestClass}`], 1)
    const expected = await believedQuality(
      observations,
      feature_space,
      Object.values(features),
      record.created_ms,
    )
    assert.equal(route.estimates.length, expected.size)
    for (const { arm: id, quality } of route.estimates) {
      const own = expected.get(id)
      assert.ok(own, id)
      // The minutes since the server fitted what arms share are the rest.
      assertClose(quality.mean, own.mean, 2e-3, `${id} mean`)
      assert.ok(Math.abs(quality.sd / own.sd - 1) < 5e-3, `${id} sd: ${quality.sd}, expected ${own.sd}`)
    }
  })
})

const serveArgs = (dataDir: string): string[] => [
  '--dataset',
  sharedPath('data', 'mmlu-pro'),
  '--data-dir',
  dataDir,
  '--latency-scale',
  '0',
]

interface RouteReply {
  readonly decision_id: string
  readonly estimates: readonly { readonly arm: string; readonly quality: Belief }[]
}
interface DecisionReply {
  readonly created_ms: number
  readonly context: { readonly feature_space: string; readonly features: Readonly<Record<string, number>> }
}

/** Every third prompt of the set until there are enough: all subjects, in the set's order made irregular. */
async function somePrompts(): Promise<readonly PromptRow[]> {
  const rows: PromptRow[] = []
  let i = 0
  for await (const row of (await openDataset(sharedPath('data', 'mmlu-pro'))).rows())
    if (i++ % 3 === 0) rows.push(row)
  // A stride that shares no factor with the length visits every row once, far from its neighbours.
  return Array.from({ length: PROMPTS }, (_, k) => rows[(k * 1_009) % rows.length] as PromptRow)
}

/** The arm that answers most dies for a while in the middle of the traffic. */
async function driveThroughOutage(
  server: ChildServer,
  prompts: readonly PromptRow[],
): Promise<TrafficResult[]> {
  const results: TrafficResult[] = []
  let victim = ''
  const fault = async (method: 'PUT' | 'DELETE'): Promise<void> => {
    const response = await fetch(`${server.simulator}/_simulator/faults/${encodeURIComponent(victim)}`, {
      method,
      ...(method === 'PUT' && { body: JSON.stringify({ kind: 'down' }) }),
    })
    assert.ok(response.ok, `${method} fault: ${response.status} ${await response.text()}`)
  }
  const send = async (from: number, to: number): Promise<void> => {
    const part = await driveTraffic({
      url: server.url,
      prompts: prompts.slice(from, to),
      model: 'auto/best',
      concurrency: CONCURRENCY,
    })
    results.push(...part)
  }
  await send(0, OUTAGE.from)
  victim = favourite(results)
  await fault('PUT')
  await send(OUTAGE.from, OUTAGE.to)
  await fault('DELETE')
  await send(OUTAGE.to, PROMPTS)
  return results
}

/** The dataset's name of the arm that served most: the simulator's faults go by it. */
function favourite(results: readonly TrafficResult[]): string {
  const counts = new Map<string, number>()
  for (const { arm: id = '' } of results) counts.set(id, (counts.get(id) ?? 0) + 1)
  const [[most = '']] = [...counts].sort((a, b) => b[1] - a[1]) as [[string, number]]
  return most.slice(most.indexOf('/') + 1)
}

/** The engine of a killed gateway finishes what it writes before it lets go of the directory. */
async function openStored(dataDir: string, deadlineAt = Date.now() + 60_000) {
  for (;;) {
    try {
      return createChdbConnection({ path: join(dataDir, 'clickhouse') })
    } catch (error) {
      if (Date.now() >= deadlineAt) throw error
      await sleep(100)
    }
  }
}

async function query<Row>(dataDir: string, sql: string): Promise<Row[]> {
  const client = createClient({ connection: (await openStored(dataDir)) as never })
  try {
    const answer = await client.query({ query: sql, format: 'JSONEachRow' })
    return await answer.json<Row>()
  } finally {
    await client.close()
  }
}

async function storedQuality(dataDir: string): Promise<Observation[]> {
  type Row = {
    at_ms: string
    decision_id: string
    feature_space: string
    arm: string
    x: number[]
    y: number[]
    weight: number
  }
  const rows = await query<Row>(
    dataDir,
    `SELECT toUnixTimestamp64Milli(ts) AS at_ms, decision_id, feature_space, arm, x, y, weight
     FROM observations WHERE heads = ['quality']`,
  )
  return rows.map((row) => ({
    decisionId: row.decision_id as DecisionId,
    atMs: Number(row.at_ms),
    featureSpace: row.feature_space as FeatureSpaceId,
    arm: row.arm as ArmId,
    head: 'quality',
    x: Float64Array.from(row.x),
    y: row.y[0] as number,
    weight: row.weight,
  }))
}

/** What a fresh engine with the same priors believes after these observations, at the context `x`. */
async function believedQuality(
  observations: readonly Observation[],
  featureSpace: string,
  x: readonly number[],
  atMs: number,
): Promise<Map<string, Belief>> {
  const dataset = await openDataset(sharedPath('data', 'mmlu-pro'))
  const simulator = await startSimulator({ dataset })
  await simulator.close()
  const space = createFeatureSpace({
    classes: [...DEFAULT_CLASSES, ...simulator.categories.filter((c) => !DEFAULT_CLASSES.includes(c))],
  })
  assert.equal(space.id, featureSpace)
  const arms = simulator.arms.map(({ routeId, prior, price }) => arm(routeId, { prior, price }))
  // Examples age from the start of their slot of six hours, in the store and so everywhere.
  const options = {
    arms,
    featureSpace: { ...space, vector: () => Float64Array.from(x) },
    bucketMs: { quality: 6 * 3_600_000 },
  }
  // The store keeps every example, also those that a running head forgets after a change: too few at a time for a head to
  // notice one.
  const parts: HeadSums[] = []
  for (let i = 0; i < observations.length; i += 40) {
    const router = createRouter(options)
    router.learn(observations.slice(i, i + 40))
    parts.push(...router.sums())
  }
  // The server fits what arms share from all its sums when it starts; so does a router that is given them at once.
  const twin = createRouter(options)
  twin.absorb(parts)
  const { estimates } = decide(twin, { atMs })
  return new Map(estimates.map((estimate) => [estimate.arm, estimate.quality]))
}

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
