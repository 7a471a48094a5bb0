/** `tune` and the reports of `replay` as a user meets them: files, exit codes, and what a mistake is told as. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, suite, test } from 'node:test'

const cli = resolve(import.meta.dirname, '..', '..', 'cli.ts')

suite('tune', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'highwayman-tune-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  function highwayman(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    return new Promise((done) => {
      execFile(process.execPath, [cli, ...args], { cwd: folder }, (error, stdout, stderr) => {
        done({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, stdout, stderr })
      })
    })
  }

  test('a data set gives a policy file, which replay judges and reports as a page with its JSON', async () => {
    const tuned = await highwayman(
      'tune',
      '--dataset',
      'crossroads',
      '--out',
      'p.json',
      '--budget',
      '2',
      '--json',
    )
    assert.equal(tuned.code, 0, tuned.stderr)
    const { rows, tuning, policy } = JSON.parse(tuned.stdout)
    assert.equal(tuning.heldOut.rows + tuning.heldOut.fittedRows, rows)
    const file = JSON.parse(await readFile(join(folder, 'p.json'), 'utf8'))
    assert.deepEqual(file.policy, policy)
    assert.deepEqual(file.provenance.tuning, tuning)
    assert.match(file.provenance.tuning.versions.node, /^\d+\./)
    const args = ['replay', '--dataset', 'crossroads', '--policy', 'p.json', '--report', 'out.html', '--json']
    const judged = await highwayman(...args)
    assert.equal(judged.code, 0, judged.stderr)
    const page = await readFile(join(folder, 'out.html'), 'utf8')
    assert.match(page, /^<!doctype html>[\s\S]*highwayman replay --dataset crossroads --policy p\.json/)
    assert.deepEqual(JSON.parse(await readFile(join(folder, 'out.json'), 'utf8')), JSON.parse(judged.stdout))
  })

  test('flags that do not go together are bad input', async () => {
    const both = await highwayman('tune', '--dataset', 'crossroads', '--log', 'x.jsonl', '--out', 'q.json')
    assert.equal(both.code, 2)
    assert.match(both.stderr, /one of --dataset.*and --log/)
    const wrong = await highwayman(
      'tune',
      '--dataset',
      'crossroads',
      '--objective',
      'quality',
      '--out',
      'q.json',
    )
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /aiq, reward, online/)
    const base = await highwayman('tune', '--log', 'x.jsonl', '--policy', 'thompson', '--out', 'q.json')
    assert.equal(base.code, 2)
    assert.match(base.stderr, /the policy file to tune/)
    const budget = await highwayman('tune', '--dataset', 'crossroads', '--budget', '2.5', '--out', 'q.json')
    assert.equal(budget.code, 2)
    assert.match(budget.stderr, /number of trials \(30\) or of minutes \(10m\)/)
  })
})
