/** `highwayman experiment …` against a running server: what it sends, prints and writes, and how it ends. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { cell, draws } from '../helpers/experiment.ts'
import { MemoryStore } from '../helpers/memory-store.ts'
import { startTestServer, type TestServer } from '../helpers/server.ts'

const repository = resolve(import.meta.dirname, '..', '..')

describe('highwayman experiment', () => {
  let server: TestServer
  let folder: string
  const store = new MemoryStore()
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'highwayman-experiment-cli-'))
    server = await startTestServer({ arms: [{ id: 'a/one', url: 'http://127.0.0.1:9' }] }, { store })
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  const run = (command: string, ...args: readonly string[]) =>
    new Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>((done) => {
      const all = ['cli.ts', 'experiment', command, '--url', server.url, ...args]
      execFile(process.execPath, all, { cwd: repository }, (error, stdout, stderr) =>
        done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      )
    })

  test('from a file to a report, step by step', async () => {
    const from = join(folder, 'two.json')
    const variants = [
      { key: 'control', policy: 'current' },
      { key: 'other', policy: 'current' },
    ]
    await writeFile(from, JSON.stringify({ key: 'two', unit: 'request', variants }))
    const created = await run('create', '--from', from, '--actor', 'ann', '--json')
    assert.equal(created.code, 0, created.stderr)
    assert.equal((JSON.parse(created.stdout) as { status: string }).status, 'draft')
    assert.match((await run('start', 'two')).stdout, /^two +running +run 0 {2}control 50 %, other 50 %/)
    const listed = JSON.parse((await run('list', '--json')).stdout) as { experiments: { key: string }[] }
    assert.deepEqual(
      listed.experiments.map(({ key }) => key),
      ['two'],
    )
    const values = (p: number, seed: number) => [0, 1, 2, 3, 4].map((each) => draws(1_500, p, seed + each))
    store.cells = [cell('control', values(0.5, 10)), cell('other', values(0.65, 20))]
    const page = join(folder, 'two.html')
    const report = await run('report', 'two', '--report', page)
    assert.equal(report.code, 0, report.stderr)
    assert.match(report.stdout, /other is better than the control in quality|Harm is shown for other/)
    assert.match(await readFile(page, 'utf8'), /^<!doctype html>/)
    const json = JSON.parse((await run('report', 'two', '--json')).stdout) as { comparisons: unknown[] }
    assert.equal(json.comparisons.length, 4)
    const stopped = await run('stop', 'two', '--reason', 'enough')
    assert.match(stopped.stdout, /stopped .*enough/)
    assert.equal(store.experimentSteps.at(-1)?.reason, 'enough')
  })

  test('says how many units an effect takes', async () => {
    store.cells = [cell('all', [draws(5_000, 0.5, 9)])]
    const { stdout } = await run('power', '--mde', '0.1', '--unit', 'request', '--days', '10')
    assert.match(stdout, /500 a day/)
    assert.match(stdout, /read once, at that size +1,\d{3} requests a variant/)
  })

  test('what the server refuses is told with its code, and nothing that answers with its address', async () => {
    const refused = await run('start', 'nobody', '--json')
    assert.equal(refused.code, 1)
    const { error } = JSON.parse(refused.stdout) as { error: { code: string } }
    assert.equal(error.code, 'experiment_not_found')
    const bad = join(folder, 'bad.json')
    await writeFile(bad, '{ "key": ')
    const unread = await run('create', '--from', bad)
    assert.equal(unread.code, 2)
    assert.match(unread.stderr, /bad\.json/)
    const away = await run('list', '--url', 'http://127.0.0.1:9')
    assert.equal(away.code, 1)
    assert.match(away.stderr, /the server at http:\/\/127\.0\.0\.1:9 does not answer/)
  })
})
