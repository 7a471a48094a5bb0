/** The materialized view against the definition of its sums, and what happens to them over time and after a crash. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { v7 } from 'uuid'
import { type ClickHouseStore, openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import {
  type ArmId,
  type FeatureSpaceId,
  HEADS,
  type HeadName,
  type Observation,
} from '../../engine/index.ts'
import { assertSums, directSums } from '../helpers/direct-sums.ts'
import {
  callObservations,
  decisionId,
  HALF_LIFE_MS,
  NEVER_FORGET,
  observation,
  SPACE,
  START_MS,
} from '../helpers/store-rows.ts'

const DAY_MS = 86_400_000
/** Slow enough that nothing here is 64 half-lives old, which is where the store leaves it out. */
const SLOW_HALF_LIFE_MS: Readonly<Record<HeadName, number>> = {
  quality: 14 * DAY_MS,
  ttft: 3 * 3_600_000,
  tpot: 2 * 3_600_000,
  output_tokens: 7 * DAY_MS,
  success: 3_600_000,
}

describe('the posterior in ClickHouse', () => {
  let dataDir: string
  let store: ClickHouseStore

  const open = async (replica = 'replica-1'): Promise<void> => {
    store = await openClickHouseStore({
      kind: 'embedded',
      dataDir,
      replica,
      writer: { flushEveryMs: 60_000 },
    })
  }
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'highwayman-posterior-'))
  })
  afterEach(() => store.close())
  after(() => rm(dataDir, { recursive: true, force: true }))

  const number = fc.double({ min: -10, max: 10, noNaN: true })
  const example = (d: number) =>
    fc.record({
      arm: fc.constantFrom('a/one', 'b/two', 'c/three'),
      head: fc.constantFrom(...HEADS),
      x: fc.array(number, { minLength: d, maxLength: d }).map((x) => Float64Array.from([1, ...x])),
      y: number,
      weight: fc.constantFrom(1, 1, 1, -1, 0.5),
      // Up to 12 hours late; older buckets may be rolled up while the test runs.
      lateMs: fc.oneof(fc.integer({ min: 0, max: 600_000 }), fc.integer({ min: 0, max: 12 * 3_600_000 })),
    })
  const batch = fc
    .integer({ min: 0, max: 6 })
    .chain((d) =>
      fc.array(fc.array(example(d), { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 }),
    )

  test('is the sum of the observations: any heads, weights and times, in any batches, from any replica', async () => {
    let runs = 0
    for (const replica of ['replica-1', 'replica-2']) {
      await open(replica)
      await fc.assert(
        fc.asyncProperty(batch, fc.integer({ min: 0, max: DAY_MS }), async (batches, laterMs) => {
          const featureSpace = `property-${runs++}` as FeatureSpaceId
          const all: Observation[] = []
          for (const examples of batches) {
            const observations = examples.map(({ arm, lateMs, ...rest }) =>
              observation({
                ...rest,
                arm: arm as ArmId,
                featureSpace,
                decisionId: decisionId(),
                atMs: START_MS - lateMs,
              }),
            )
            store.appendObservations(observations)
            await store.flush()
            all.push(...observations)
          }
          for (const [halfLifeMs, nowMs] of [
            [SLOW_HALF_LIFE_MS, START_MS + laterMs],
            [NEVER_FORGET, START_MS],
          ] as const) {
            const sums = await store.loadSums({ featureSpace, nowMs, halfLifeMs })
            assertSums(sums, directSums(all, nowMs, halfLifeMs))
          }
        }),
        { numRuns: 12, seed: 7 },
      )
      if (replica === 'replica-1') await store.close()
    }
  })

  test('what is taken back cancels, across batches, replicas and merges', async () => {
    await open()
    const featureSpace = 'cancel' as FeatureSpaceId
    const x = Float64Array.from({ length: 25 }, (_, i) => Math.sin(i + 1) * 10 ** ((i % 7) - 3))
    const examples = Array.from({ length: 30 }, (_, i) =>
      observation({ featureSpace, x: x.map((v) => v * (i + 1)), y: i / 7 }),
    )
    store.appendObservations(examples)
    await store.close()
    await open('replica-2')
    store.appendObservations(examples.toReversed().map((given) => ({ ...given, weight: -1 })))
    await store.flush()
    await store.queryRows('OPTIMIZE TABLE posterior FINAL')
    const [sums] = await store.loadSums({ featureSpace, nowMs: START_MS, halfLifeMs: NEVER_FORGET })
    const [given] = directSums(examples, START_MS, NEVER_FORGET).values()
    assert.equal(sums?.n, 0)
    for (const [i, value] of sums!.A.entries())
      assert.ok(Math.abs(value) <= 1e-9 * given!.scale, `A[${i}] = ${value}`)
    for (const [i, value] of sums!.b.entries())
      assert.ok(Math.abs(value) <= 1e-9 * given!.scale, `b[${i}] = ${value}`)
  })

  test('heads observed together share one row, one A and one bucket; quality and success stand alone', async () => {
    await open()
    const featureSpace = 'groups' as FeatureSpaceId
    const x = Float64Array.of(1, 2)
    const call = callObservations(decisionId(), START_MS, x).map((given) => ({ ...given, featureSpace }))
    store.appendObservations([...call, observation({ featureSpace, x })])
    await store.flush()
    const rows = await store.queryRows(
      `SELECT heads, rows, toUnixTimestamp(bucket) % 3600 % 300 % 60 = 0 AS aligned, toUnixTimestamp(bucket) AS bucket,
         length(finalizeAggregation(A)) AS a, length(finalizeAggregation(b)) AS b
       FROM posterior WHERE feature_space = 'groups' ORDER BY length(heads) DESC, heads`,
    )
    const bucket = (widthMs: number) => (Math.floor(START_MS / widthMs) * widthMs) / 1000
    assert.deepEqual(rows, [
      { heads: ['ttft', 'tpot', 'output_tokens'], rows: 1, aligned: 1, bucket: bucket(300_000), a: 3, b: 6 },
      { heads: ['quality'], rows: 1, aligned: 1, bucket: bucket(3_600_000), a: 3, b: 2 },
      { heads: ['success'], rows: 1, aligned: 1, bucket: bucket(60_000), a: 1, b: 1 },
    ])
  })

  test('buckets older than a day become one for six hours, and the sums stay', async () => {
    await open()
    const featureSpace = 'rollup' as FeatureSpaceId
    const slotMs = Math.floor((START_MS - 10 * DAY_MS) / 21_600_000) * 21_600_000
    const old = [0, 1, 2, 3, 4, 5].map((hour) =>
      observation({ featureSpace, y: hour, atMs: slotMs + hour * 3_600_000 }),
    )
    const recent = observation({ featureSpace })
    store.appendObservations([...old, recent])
    await store.flush()
    await store.queryRows('OPTIMIZE TABLE posterior FINAL')
    const buckets = await store.queryRows(
      `SELECT toUnixTimestamp(bucket) * 1000 AS ms, rows FROM posterior WHERE feature_space = 'rollup' ORDER BY bucket`,
    )
    assert.deepEqual(buckets, [
      { ms: slotMs, rows: 6 },
      { ms: Math.floor(START_MS / 3_600_000) * 3_600_000, rows: 1 },
    ])
    const sums = await store.loadSums({ featureSpace, nowMs: START_MS, halfLifeMs: NEVER_FORGET })
    assertSums(sums, directSums([...old, recent], START_MS, NEVER_FORGET))
  })

  test('after a crash the slots that lost or doubled their sums are summed anew, and the others left as they are', async () => {
    await open()
    const featureSpace = 'crash' as FeatureSpaceId
    const examples = Array.from({ length: 20 }, (_, i) =>
      observation({ featureSpace, y: i, atMs: START_MS - i * 7_200_000 }),
    )
    store.appendObservations(examples)
    await store.flush()
    const slots = await store.queryRows(
      `SELECT DISTINCT slot FROM posterior WHERE feature_space = 'crash' ORDER BY slot`,
    )
    assert.ok(slots.length >= 6)
    await store.queryRows(
      `ALTER TABLE posterior DELETE WHERE feature_space = 'crash' AND slot = '${slots[2]?.['slot']}' SETTINGS mutations_sync = 2`,
    )
    await store.queryRows(
      `INSERT INTO posterior SELECT * FROM posterior WHERE feature_space = 'crash' AND slot = '${slots[4]?.['slot']}'`,
    )
    const query = { featureSpace, nowMs: START_MS, halfLifeMs: NEVER_FORGET }
    const expected = directSums(examples, START_MS, NEVER_FORGET)
    assert.throws(() => assertSums([], expected))
    await store.close()
    // What a process leaves behind that could not close.
    await writeFile(join(dataDir, 'highwayman.pid'), '1\n')
    await open()
    assertSums(await store.loadSums(query), expected)
  })

  test('sums whose observations were dropped to make room survive a crash', async () => {
    await open()
    const featureSpace = 'dropped' as FeatureSpaceId
    const old = observation({ featureSpace, atMs: START_MS - 400 * DAY_MS })
    store.appendObservations([old])
    await store.flush()
    const [part] = await store.queryRows(
      `SELECT DISTINCT partition FROM system.parts WHERE active AND table = 'observations' ORDER BY partition LIMIT 1`,
    )
    await store.queryRows(`ALTER TABLE observations DROP PARTITION ${part?.['partition']}`)
    await store.close()
    await writeFile(join(dataDir, 'highwayman.pid'), '1\n')
    await open()
    const sums = await store.loadSums({ featureSpace, nowMs: START_MS, halfLifeMs: NEVER_FORGET })
    assertSums(sums, directSums([old], START_MS, NEVER_FORGET))
  })

  test('what is 64 half-lives old is left out, head by head', async () => {
    await open()
    const featureSpace = 'forgotten' as FeatureSpaceId
    const call = callObservations(decisionId(), START_MS, Float64Array.of(1, 2))
    store.appendObservations(call.map((given) => ({ ...given, featureSpace })))
    await store.flush()
    const nowMs = START_MS + 65 * HALF_LIFE_MS.ttft
    const sums = await store.loadSums({ featureSpace, nowMs, halfLifeMs: HALF_LIFE_MS })
    assert.deepEqual(
      sums.map(({ head }) => head),
      ['output_tokens'],
    )
  })

  test('an unknown half-life is no half-life', async () => {
    await open()
    const featureSpace = v7() as FeatureSpaceId
    store.appendObservations([observation({ featureSpace, head: 'ttft' })])
    await store.flush()
    const halfLifeMs = { quality: 1_000 } as Record<HeadName, number>
    const [sums] = await store.loadSums({ featureSpace, nowMs: START_MS + DAY_MS, halfLifeMs })
    assert.equal(sums?.n, 1)
    assert.equal(sums?.featureSpace, featureSpace)
    assert.notEqual(featureSpace, SPACE)
  })
})
