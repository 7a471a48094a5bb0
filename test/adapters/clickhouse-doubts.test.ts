/** What becomes of a batch that the embedded engine died in, whether it had stored it or not. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Batch, EngineEnded } from '../../adapters/clickhouse/client.ts'
import { createDoubts, isStored } from '../../adapters/clickhouse/doubts.ts'
import { type EmbeddedClickHouse, openEmbedded } from '../../adapters/clickhouse/embedded.ts'
import { migrate, readMigrations } from '../../adapters/clickhouse/migrate.ts'
import { type ClickHouseStore, createStore } from '../../adapters/clickhouse/open-store.ts'
import { assertSums, directSums } from '../helpers/direct-sums.ts'
import {
  attemptRow,
  callObservations,
  decisionId,
  decisionRow,
  NEVER_FORGET,
  observation,
  rewardRow,
  SPACE,
} from '../helpers/store-rows.ts'

let root: string
let clickhouse: EmbeddedClickHouse

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'highwayman-doubts-'))
  clickhouse = await openEmbedded(root)
  await migrate(clickhouse, await readMigrations())
})
after(async () => {
  await clickhouse.close(true)
  await rm(root, { recursive: true, force: true })
})

const TABLES = ['decisions', 'attempts', 'rewards', 'observations'] as const
const WRITER = { flushEveryMs: 10, retryFirstMs: 1, retryMaxMs: 5, rewardCommitMs: 10 }

/** Where a killed engine leaves the batch that it was writing. */
type Death =
  /** Its token noted, its part not in place. */
  | 'noted'
  /** In place, and nobody told. */
  | 'stored'

/** The engine dies in the first batch of every table. */
function dying(death: Death): { readonly clickhouse: EmbeddedClickHouse; readonly batches: Batch[] } {
  const died = new Set<string>()
  const noted = new Set<string>()
  const batches: Batch[] = []
  const insert = async (batch: Batch): Promise<void> => {
    if (!died.has(batch.table)) {
      died.add(batch.table)
      batches.push(batch)
      if (death === 'noted') noted.add(batch.token)
      else await clickhouse.insert(batch)
      throw new EngineEnded('the embedded ClickHouse has ended (SIGKILL)')
    }
    if (!noted.has(batch.token)) await clickhouse.insert(batch)
  }
  return { clickhouse: { ...clickhouse, insert }, batches }
}

async function writeRequests(store: ClickHouseStore, requests: number) {
  const ids: string[] = []
  const learned = []
  for (let i = 0; i < requests; i += 1) {
    const atMs = Date.now()
    const id = decisionId(atMs)
    const x = Float64Array.of(1, i)
    const observations = callObservations(id, atMs, x)
    store.appendDecision(decisionRow({}, { id, atMs, x }))
    store.appendAttempt(attemptRow({ decisionId: id, atMs }))
    store.appendObservations(observations)
    const lesson = observation({ decisionId: id, atMs, x })
    await store.writeReward(rewardRow({ decisionId: id, atMs }), [lesson])
    ids.push(id)
    learned.push(...observations, lesson)
  }
  return { ids, learned }
}

const learnedSoFar: ReturnType<typeof observation>[] = []

for (const death of ['noted', 'stored'] as const) {
  test(`a batch is stored once when the engine dies with it ${death}`, async () => {
    const { clickhouse: engine, batches } = dying(death)
    const store = createStore(engine, { kind: 'embedded', dataDir: root, replica: 'r', writer: WRITER })
    const { ids, learned } = await writeRequests(store, 7)
    await store.flush()
    learnedSoFar.push(...learned)
    assert.deepEqual(batches.map(({ table }) => table).sort(), [...TABLES].sort())
    for (const table of TABLES) {
      const rows = await store.queryRows(
        `SELECT decision_id AS id FROM ${table} WHERE decision_id IN {ids:Array(UUID)}`,
        {
          ids,
        },
      )
      const found = rows.map(({ id }) => String(id)).sort()
      const times = table === 'observations' ? 3 : 1
      assert.deepEqual(found, ids.flatMap((id) => Array<string>(times).fill(id)).sort(), table)
    }
    const nowMs = Date.now()
    const sums = await store.loadSums({ featureSpace: SPACE, nowMs, halfLifeMs: NEVER_FORGET })
    assertSums(sums, directSums(learnedSoFar, nowMs, NEVER_FORGET))
    assert.equal(store.stats().droppedRows, 0)
  })
}

test('the first row of a batch is found in its table when it is there, and only then', async () => {
  const { clickhouse: engine, batches } = dying('noted')
  const store = createStore(engine, { kind: 'embedded', dataDir: root, replica: 'r', writer: WRITER })
  await writeRequests(store, 3)
  await store.flush()
  for (const batch of batches) {
    assert.ok(await isStored(clickhouse, batch), batch.table)
    const body = Buffer.from(batch.body)
    // A bit of the decision's id.
    body.writeUInt8(body.readUInt8(8) ^ 1, 8)
    assert.ok(!(await isStored(clickhouse, { ...batch, body })), batch.table)
  }
})

test('what another process has left is looked for; what this one has not tried goes as it is', async () => {
  const batch: Batch = {
    table: 'decisions',
    columns: ['decision_ts', 'decision_id'],
    body: Buffer.alloc(24),
    rows: 1,
    token: 'theirs:0',
  }
  let asked = 0
  const stored = (rows: readonly object[], kind: 'embedded' | 'remote' = 'embedded') =>
    createDoubts(
      {
        kind,
        query: async () => {
          asked += 1
          return [...rows] as never
        },
      },
      (token) => token.startsWith('ours'),
      () => 'ours:9',
    )
  assert.equal(await stored([{ found: 1 }]).tokenFor(batch), undefined)
  assert.equal(await stored([]).tokenFor(batch), 'ours:9')
  assert.equal(asked, 2)
  const ours = { ...batch, token: 'ours:1' }
  assert.equal(await stored([]).tokenFor(ours), 'ours:1')
  assert.equal(await stored([], 'remote').tokenFor(batch), 'theirs:0')
  assert.equal(asked, 2)
  const doubts = stored([])
  doubts.raise(ours)
  assert.equal(await doubts.tokenFor(ours), 'ours:9')
  // Failed for another reason: the same token again.
  assert.equal(await doubts.tokenFor(ours), 'ours:9')
  assert.equal(asked, 3)
})
