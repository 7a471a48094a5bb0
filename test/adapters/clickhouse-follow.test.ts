/** Following what others have learned: what is read again, and that it is right whatever happened in between. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { bucketMsOf } from '../../adapters/clickhouse/buckets.ts'
import { type ClickHouseStore, openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import { SumsFollower } from '../../adapters/clickhouse/readers/follow-sums.ts'
import type { ArmId, FeatureSpaceId, Observation } from '../../engine/index.ts'
import { assertSums, directSums } from '../helpers/direct-sums.ts'
import { callObservations, decisionId, HALF_LIFE_MS, observation } from '../helpers/store-rows.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NOW_MS = Date.now()

describe('following the sums of others', () => {
  let dataDir: string
  let store: ClickHouseStore
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'highwayman-follow-'))
    store = await openClickHouseStore({
      kind: 'embedded',
      dataDir,
      replica: 'writer',
      writer: { flushEveryMs: DAY_MS },
    })
  })
  after(async () => {
    await store.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  let spaces = 0
  const setUp = (held: () => readonly string[] = () => []) => {
    const featureSpace = `follow-${spaces++}` as FeatureSpaceId
    const asked: { sql: string; units: unknown }[] = []
    let answer = (_sql: string, rows: Record<string, unknown>[]) => rows
    const query = async (sql: string, params?: Readonly<Record<string, unknown>>) => {
      asked.push({ sql, units: params?.['units'] })
      return answer(sql, await store.queryRows(sql, params))
    }
    const scope = { featureSpace, halfLifeMs: HALF_LIFE_MS, bucketMs: bucketMsOf(HALF_LIFE_MS) }
    const follower = new SumsFollower({ query }, scope, held)
    const all: Observation[] = []
    return {
      featureSpace,
      follower,
      all,
      write: async (...examples: Observation[]): Promise<void> => {
        const placed = examples.map((each) => ({ ...each, featureSpace }))
        store.appendObservations(placed)
        await store.flush()
        all.push(...placed)
      },
      /** The units that were read since the last time this was asked. */
      unitsRead: (): number[] =>
        asked
          .splice(0)
          .flatMap(({ sql, units }) => (sql.includes('sum_A') ? ((units ?? []) as number[]) : [])),
      answerWith: (change: typeof answer) => {
        answer = change
      },
    }
  }
  const example = (atMs: number, change: Partial<Observation> = {}) =>
    observation({ atMs, decisionId: decisionId(Math.floor(atMs)), ...change })
  const expectSums = (
    sums: Awaited<ReturnType<SumsFollower['read']>>['sums'],
    examples: readonly Observation[],
    nowMs = NOW_MS,
  ) => assertSums(sums, directSums(examples, nowMs, HALF_LIFE_MS))

  test('reads again what has changed, a day or a week of the past, and nothing else', async () => {
    const { follower, write, all, unitsRead } = setUp()
    await write(
      example(NOW_MS),
      example(NOW_MS - 2 * DAY_MS, { y: 0.1 }),
      example(NOW_MS - 30 * DAY_MS, { y: 0.2 }),
    )
    const first = await follower.read(NOW_MS)
    expectSums(first.sums, all)
    assert.equal(unitsRead().length, 3)
    const second = await follower.read(NOW_MS)
    assert.equal(second.sums, first.sums, 'nothing has changed')
    assert.deepEqual(unitsRead(), [])
    await write(
      example(NOW_MS - 31 * DAY_MS, { y: 0.9 }),
      example(NOW_MS - 30 * DAY_MS, { y: 0.2, weight: -1 }),
    )
    const laterMs = NOW_MS + HOUR_MS
    expectSums((await follower.read(laterMs)).sums, all, laterMs)
    const read = unitsRead()
    assert.ok(read.length >= 1 && read.length <= 2, `units ${read}`)
    assert.ok(
      read.every((unit) => unit * 1000 < NOW_MS - 20 * DAY_MS),
      'a week of the past',
    )
  })

  test('leaves out what this process holds in memory, and takes it in when that is handed over', async () => {
    let held = ['writer']
    const { follower, write, all, featureSpace } = setUp(() => held)
    await write(...callObservations(decisionId(), NOW_MS - HOUR_MS, Float64Array.of(1, 2)))
    const [row] = await store.queryRows(
      'SELECT replica FROM observations WHERE feature_space = {space:String} LIMIT 1',
      {
        space: featureSpace,
      },
    )
    held = [String(row?.['replica'])]
    assert.deepEqual((await follower.read(NOW_MS)).sums, [])
    held = ['somebody else']
    expectSums((await follower.read(NOW_MS)).sums, all)
  })

  test('goes on after a reading that broke off', async () => {
    const { follower, write, all, answerWith } = setUp()
    await write(...[1, 2, 3, 4, 5, 6].map((days) => example(NOW_MS - days * DAY_MS, { y: days / 10 })))
    let sums = 0
    answerWith((sql, rows) => {
      if (sql.includes('sum_A') && sums++ === 1) throw new Error('cut')
      return rows
    })
    await assert.rejects(follower.read(NOW_MS), /cut/)
    expectSums((await follower.read(NOW_MS)).sums, all)
  })

  test('catches up with a server that answered with less than it had counted', async () => {
    const { follower, write, all, answerWith } = setUp()
    await write(example(NOW_MS - HOUR_MS), example(NOW_MS - HOUR_MS, { arm: 'other/arm' as ArmId }))
    answerWith((sql, rows) => (sql.includes('sum_A') ? rows.slice(1) : rows))
    assert.equal((await follower.read(NOW_MS)).sums.length, 1)
    answerWith((_sql, rows) => rows)
    for (let i = 0; i < 12; i++) await follower.read(NOW_MS)
    expectSums((await follower.read(NOW_MS)).sums, all)
  })

  test('sees who has written lately, and how far the clocks are apart', async () => {
    const { follower, write } = setUp()
    await write(example(Date.now(), { head: 'success', x: Float64Array.of(1), y: 1 }))
    const nowMs = Date.now()
    const ahead = await follower.read(nowMs + 60_000)
    assert.equal(ahead.replicas, 1)
    assert.ok(Math.abs(ahead.clockAheadMs - 60_000) < 5_000, `${ahead.clockAheadMs} ms`)
    assert.equal((await follower.read(nowMs + HOUR_MS)).replicas, 0, 'who is dead is gone')
  })

  test('does not take what it wrote itself under another name for a replica, nor an earlier owner of its directory', async () => {
    const { featureSpace, follower, write } = setUp(() => ['writer~a-later-life'])
    await write(example(Date.now(), { head: 'success', x: Float64Array.of(1), y: 1 }))
    assert.equal((await follower.read(Date.now())).replicas, 0)
    const opened = store.followSums({ featureSpace, halfLifeMs: HALF_LIFE_MS })
    await store.handOver(() => {})
    const { replicas, sums } = await opened.read(Date.now())
    assert.deepEqual([replicas, sums.length], [0, 1])
  })

  test('counts what seems to come from the future as new, and no more than that', async () => {
    const { featureSpace, write } = setUp()
    await write(example(NOW_MS + 30 * 60_000, { head: 'success', x: Float64Array.of(1), y: 1 }))
    const weightAt = async (nowMs: number) =>
      (await store.loadSums({ featureSpace, halfLifeMs: HALF_LIFE_MS, nowMs }))[0]!.n
    assert.equal(await weightAt(NOW_MS), 1)
    assert.ok((await weightAt(NOW_MS + 60 * 60_000)) < 1 / 32, 'it ages once its time has come')
  })

  test('leaves out what a clock of another year has dated, until its day comes', async () => {
    const { follower, write, all } = setUp()
    const called = (atMs: number, y: number) => example(atMs, { head: 'success', x: Float64Array.of(1), y })
    await write(called(NOW_MS, 1), called(NOW_MS + 365 * DAY_MS, 0))
    const { sums, replicas } = await follower.read(NOW_MS)
    expectSums(sums, all.slice(0, 1))
    assert.equal(replicas, 1, 'whoever wrote today')
    assert.equal((await follower.read(NOW_MS + DAY_MS)).replicas, 0)
  })

  test('reads for a machine whose clock begins in 1970', async () => {
    const { follower, write } = setUp()
    await write(example(NOW_MS))
    assert.deepEqual((await follower.read(1_000)).sums, [])
  })

  describe('a cut', () => {
    const forget = async (featureSpace: FeatureSpaceId, sinceMs: number): Promise<void> => {
      store.appendForgotten({ featureSpace, arm: 'anthropic/claude' as ArmId, head: 'quality', sinceMs })
      await store.flush()
    }

    for (const [when, agoMs] of [
      ['just now', 10 * 60_000],
      ['yesterday', 19 * HOUR_MS],
      ['last week', 8 * DAY_MS],
    ] as const) {
      test(`of ${when} leaves out what is older, to the millisecond, rolled up or not`, async () => {
        const { follower, write, all, featureSpace } = setUp()
        const sinceMs = NOW_MS - agoMs
        const offsetsMs = [-DAY_MS, -HOUR_MS, -60_000, -1, 0, 1, 60_000, 5 * 60_000]
        await write(
          ...offsetsMs.map((offsetMs, i) => example(sinceMs + offsetMs, { y: i / 10 })),
          example(sinceMs - HOUR_MS, { arm: 'other/arm' as ArmId }),
          ...callObservations(decisionId(), sinceMs - 60_000, Float64Array.of(1, 2)),
        )
        await forget(featureSpace, sinceMs)
        const counted = () =>
          all.filter(
            ({ arm, head, atMs }) => atMs >= sinceMs || head !== 'quality' || arm !== 'anthropic/claude',
          )
        const readSums = async () => {
          const { sums, cuts } = await follower.read(NOW_MS)
          assert.deepEqual(
            cuts.map(({ sinceMs: at, announcedMs }) => [at, announcedMs]),
            [[sinceMs, sinceMs]],
          )
          // Speeds of a week ago have faded out of either.
          return sums.filter(({ n }) => n > 1e-15)
        }
        const expected = () =>
          new Map([...directSums(counted(), NOW_MS, HALF_LIFE_MS)].filter(([, { n }]) => n > 1e-15))
        assertSums(await readSums(), expected())
        await write(example(sinceMs + 2, { y: 0.77 }), example(sinceMs - 2, { y: 0.33 }))
        assertSums(await readSums(), expected())
        await store.queryRows('OPTIMIZE TABLE posterior FINAL')
        assertSums(await readSums(), expected())
        const anew = await store.loadSums({ featureSpace, halfLifeMs: HALF_LIFE_MS, nowMs: NOW_MS })
        assertSums(
          anew.filter(({ n }) => n > 1e-15),
          expected(),
        )
      })
    }

    test('is the latest that anybody announced', async () => {
      const { follower, write, all, featureSpace } = setUp()
      await write(example(NOW_MS - 3 * HOUR_MS), example(NOW_MS - HOUR_MS))
      for (const hours of [2, 4]) await forget(featureSpace, NOW_MS - hours * HOUR_MS)
      expectSums((await follower.read(NOW_MS)).sums, all.slice(1))
    })

    test('of a clock that is ahead counts from when it was stored', async () => {
      const { follower, write, all, featureSpace } = setUp()
      await write(example(NOW_MS - HOUR_MS))
      const tomorrowMs = Date.now() + DAY_MS
      await forget(featureSpace, tomorrowMs)
      await new Promise((resolve) => setTimeout(resolve, 5))
      const nowMs = Date.now()
      await write(example(nowMs, { y: 0.9 }))
      const { sums, cuts } = await follower.read(nowMs)
      assert.equal(cuts[0]?.announcedMs, tomorrowMs)
      assert.ok((cuts[0]?.sinceMs ?? 0) <= nowMs)
      expectSums(sums, all.slice(1), nowMs)
    })

    test('of a clock of another year that the store shared leaves nothing out, nor hides an earlier one', async () => {
      const { follower, write, all, featureSpace } = setUp()
      await write(example(NOW_MS - 3 * HOUR_MS), example(NOW_MS - HOUR_MS))
      const nextYearMs = NOW_MS + 365 * DAY_MS
      const notice = (atMs: number) =>
        store.queryRows(
          `INSERT INTO forgotten SELECT feature_space, arm, 'quality', fromUnixTimestamp64Milli({at:Int64}, 'UTC') AS since, 'r', since
           FROM observations WHERE feature_space = {space:String} LIMIT 1`,
          { at: atMs, space: featureSpace },
        )
      await notice(nextYearMs)
      const first = await follower.read(NOW_MS)
      expectSums(first.sums, all)
      assert.equal(first.cuts[0]?.announcedMs, nextYearMs, 'whoever announced it sees that it was heard')
      await notice(NOW_MS - 2 * HOUR_MS)
      expectSums((await follower.read(NOW_MS)).sums, all.slice(1))
    })
  })
})
