/** `highwayman log` and `highwayman erase` on a real store: out to a file, into another store, and gone. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openStore } from '../../adapters/index.ts'
import { LOG_FORMATS, readLogFile } from '../../datasets/index.ts'
import type { LoggedDecision } from '../../engine/index.ts'
import { userHash } from '../../server/index.ts'
import { attemptRow, decisionRow, observation, rewardRow, START_MS } from '../helpers/store-rows.ts'

const cli = resolve(import.meta.dirname, '..', '..', 'cli.ts')
const SPAN = { fromMs: START_MS - 60_000, toMs: START_MS + 3_600_000 }

describe('the log on the command line', () => {
  let folder: string
  const dirOf = (name: string): string => join(folder, name)

  async function highwayman(...args: string[]) {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.endsWith('_API_KEY')))
    return await new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
      execFile(process.execPath, [cli, ...args], { cwd: folder, env }, (error, stdout, stderr) => {
        done({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, stdout, stderr })
      })
    })
  }
  async function json(...args: string[]): Promise<unknown> {
    const { code, stdout, stderr } = await highwayman(...args, '--json')
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout)
  }
  async function stored(name: string): Promise<LoggedDecision[]> {
    const store = await openStore({ kind: 'embedded', dataDir: dirOf(name), replica: 'reader' })
    try {
      return await collect(store.readLog(SPAN))
    } finally {
      await store.close()
    }
  }
  async function collect(rows: AsyncIterable<LoggedDecision>): Promise<LoggedDecision[]> {
    const all: LoggedDecision[] = []
    for await (const row of rows) all.push(row)
    return all
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'highwayman-cli-log-'))
    const store = await openStore({ kind: 'embedded', dataDir: dirOf('full'), replica: 'writer' })
    for (let i = 0; i < 40; i += 1) {
      const tenant = i < 30 ? 'default' : 'acme'
      const row = decisionRow(
        { tenant, userHash: i < 10 ? userHash('default', 'ann') : '' },
        { atMs: START_MS + i },
      )
      const { id } = row.decision
      store.appendDecision(row)
      // A failed call without a message: that stays behind in an export.
      store.appendAttempt(attemptRow({ decisionId: id, status: 'failed', errorCode: 'upstream_timeout' }))
      const failover = decisionRow(
        { tenant, parentId: id, userHash: row.userHash },
        { atMs: START_MS + 500 + i },
      )
      store.appendDecision(failover)
      store.appendAttempt(attemptRow({ decisionId: failover.decision.id, index: 1 }))
      const judged = [observation({ decisionId: failover.decision.id })]
      if (i % 2 === 0) await store.writeReward(rewardRow({ decisionId: failover.decision.id }), judged)
    }
    await store.close()
  })
  after(() => rm(folder, { recursive: true, force: true }))

  for (const format of LOG_FORMATS) {
    test(`${format}: out, checked, and into an empty store, twice, without a difference`, async () => {
      const file = dirOf(`log.${format}`)
      assert.deepEqual(await json('log', 'export', '--data-dir', dirOf('full'), '--out', file), {
        out: file,
        decisions: 80,
      })
      assert.deepEqual(await json('log', 'import', '--in', file, '--check'), { in: file, decisions: 80 })
      const into = ['log', 'import', '--data-dir', dirOf(format), '--in', file]
      assert.deepEqual(await json(...into), { in: file, imported: 80, known: 0 })
      assert.deepEqual(await json(...into), { in: file, imported: 0, known: 80 })
      const [original, copy] = [await stored('full'), await stored(format)]
      assert.equal(copy.length, 80)
      for (const [i, row] of copy.entries()) assert.deepEqual(row, original[i], `row ${i}`)
    })
  }

  test('of a tenant and a span; the format by flag where the name does not tell', async () => {
    const file = dirOf('acme.log')
    const from = new Date(START_MS + 35).toISOString()
    const to = new Date(START_MS + 400).toISOString()
    const args = [
      'log',
      'export',
      '--data-dir',
      dirOf('full'),
      '--tenant',
      'acme',
      '--from',
      from,
      '--to',
      to,
    ]
    assert.deepEqual(await json(...args, '--format', 'jsonl', '--out', file), { out: file, decisions: 5 })
    const rows = await collect(readLogFile(file, 'jsonl'))
    assert.ok(rows.every(({ tenant, servedReason }) => tenant === 'acme' && servedReason === 'failover'))
    const nameless = await highwayman(...args, '--out', file)
    assert.equal(nameless.code, 2)
    assert.match(nameless.stderr, /tells no format/)
    const badTime = await highwayman('log', 'export', '--out', file, '--from', 'tomorrow')
    assert.equal(badTime.code, 2)
    assert.match(badTime.stderr, /2026-01-31/)
  })

  test('a bad line is told by file, line and field, and nothing after it is stored', async () => {
    const lines = (await readFile(dirOf('log.jsonl'), 'utf8')).trimEnd().split('\n')
    const file = dirOf('bad.jsonl')
    await writeFile(
      file,
      [lines[0], lines[1]?.replace(/"propensity":[^,]+/, '"propensity":7'), lines[2]].join('\n'),
    )
    for (const args of [['--check'], ['--data-dir', dirOf('untouched')]]) {
      const { code, stderr } = await highwayman('log', 'import', '--in', file, ...args)
      assert.equal(code, 2)
      assert.match(stderr, /bad\.jsonl:2 ?:? ?propensity: expected a number in \[0, 1\], got 7/)
    }
    assert.deepEqual(await stored('untouched'), [])
  })

  test('export: a span that ends before it begins and a folder that is not there are errors, and no empty file', async () => {
    const out = dirOf('nothing.jsonl')
    const span = ['--from', '2026-02-01', '--to', '2026-01-01']
    const { code, stderr } = await highwayman(
      'log',
      'export',
      '--data-dir',
      dirOf('full'),
      '--out',
      out,
      ...span,
    )
    assert.equal(code, 2)
    assert.match(stderr, /--from 2026-02-01T.* is not before --to 2026-01-01T/)
    await assert.rejects(stat(out), { code: 'ENOENT' })
    const lost = await highwayman(
      'log',
      'export',
      '--data-dir',
      dirOf('full'),
      '--out',
      dirOf('no/such.jsonl'),
    )
    assert.equal(lost.code, 2)
    assert.match(lost.stderr, /such\.jsonl cannot be written: its folder does not exist/)
  })

  test('erase: a user of the nameless tenant, then a tenant; nobody is an error', async () => {
    const erase = (...args: string[]) => json('erase', '--data-dir', dirOf('full'), ...args)
    const counts = async (...args: string[]) => (await erase(...args)) as { decisions: number; rows: object }
    const ann = await counts('--user', 'ann')
    assert.equal(ann.decisions, 20)
    assert.deepEqual(ann.rows, { ...ann.rows, decisions: 20, attempts: 20, rewards: 5, observations: 5 })
    assert.equal((await counts('--tenant', 'acme')).decisions, 20)
    const left = await stored('full')
    assert.equal(left.length, 40)
    assert.ok(left.every(({ tenant, userHash: hash }) => tenant === 'default' && hash === ''))
    const nobody = await highwayman('erase', '--data-dir', dirOf('full'))
    assert.equal(nobody.code, 2)
    assert.match(nobody.stderr, /--tenant or --user/)
  })
})
