/** `kill -9` in the middle of writing: what was confirmed is there once, and the sums are those of the stored rows. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { openClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import type { Observation } from '../../engine/index.ts'
import { assertSums, directSums } from '../helpers/direct-sums.ts'
import { NEVER_FORGET, SPACE } from '../helpers/store-rows.ts'

const ROUNDS = 4

function without(all: readonly string[], known: readonly string[]): string[] {
  const set = new Set(known)
  return all.filter((one) => !set.has(one))
}

describe('an embedded store whose process is killed', () => {
  let dataDir: string

  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'highwayman-crash-'))
  })
  after(() => rm(dataDir, { recursive: true, force: true }))

  const startWriter = (round: number): ChildProcess =>
    spawn(
      process.execPath,
      [join(import.meta.dirname, '../helpers/store-writer.ts'), dataDir, String(round)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
  const open = () => openClickHouseStore({ kind: 'embedded', dataDir, replica: 'reader' })

  test('has every confirmed row once, and the sums of what it has', async () => {
    const flushed: string[] = []
    const rewarded: string[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      const writer = startWriter(round)
      let confirmed = 0
      for await (const line of createInterface({ input: writer.stdout! })) {
        const [what, id = ''] = line.split(' ')
        if (what === 'flushed') flushed.push(id)
        if (what === 'rewarded') rewarded.push(id)
        confirmed += 1
        // Somewhere in the middle of a later batch, at another point in each round.
        if (confirmed === 60 + 25 * round) setTimeout(() => writer.kill('SIGKILL'), 7 * round)
      }
      const { pid } = writer
      assert.equal(Number(await readFile(join(dataDir, 'highwayman.pid'), 'utf8')), pid)
    }

    const store = await open()
    const ids = async (sql: string) => (await store.queryRows(sql)).map((row) => String(row['id']))
    const decisions = await ids('SELECT decision_id AS id FROM decisions')
    assert.equal(new Set(decisions).size, decisions.length)
    assert.deepEqual(without(flushed, decisions), [])
    assert.ok(flushed.length >= ROUNDS * 40)
    const rewards = await ids('SELECT decision_id AS id FROM rewards')
    assert.deepEqual(without(rewarded, rewards), [])
    assert.equal(new Set(rewards).size, rewards.length)

    const rows = await store.queryRows(
      `SELECT toUnixTimestamp64Milli(ts) AS ms, arm, head, x, value FROM observations ARRAY JOIN heads AS head, y AS value`,
    )
    const stored = rows.map((row) => ({
      atMs: Number(row['ms']),
      arm: row['arm'],
      head: row['head'],
      x: Float64Array.from(row['x'] as number[]),
      y: Number(row['value']),
      weight: 1,
    })) as unknown as Observation[]
    const nowMs = Date.now()
    const sums = await store.loadSums({ featureSpace: SPACE, nowMs, halfLifeMs: NEVER_FORGET })
    assertSums(sums, directSums(stored, nowMs, NEVER_FORGET))
    const quality = stored.filter(({ head }) => head === 'quality')
    assert.ok(quality.length >= rewarded.length)
    await store.close()
  })

  test('a second process is told who has the directory; the first goes on', async () => {
    const writer = startWriter(ROUNDS)
    await once(createInterface({ input: writer.stdout! }), 'line')
    await assert.rejects(open(), (error: Error) => {
      assert.ok('code' in error && error.code === 'store_unavailable')
      assert.ok(error.message.includes(dataDir))
      assert.match(error.message, new RegExp(`in use by process ${writer.pid}.*--data-dir`))
      return true
    })
    const exited = once(writer, 'exit')
    assert.equal(writer.exitCode, null)
    writer.kill('SIGKILL')
    await exited
    await (await open()).close()
  })

  test('one directory is opened once in one process, and again after closing', async () => {
    const store = await open()
    await assert.rejects(open(), { code: 'store_unavailable', message: /in use by this process/ })
    await store.close()
    await (await open()).close()
  })

  test('a dead owner whose id now belongs to another process does not bar the way', async () => {
    await writeFile(join(dataDir, 'highwayman.pid'), `${process.ppid}\n`)
    await (await open()).close()
  })
})
