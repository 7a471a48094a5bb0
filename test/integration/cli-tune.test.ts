/** `tune` and the reports of `replay` as a user meets them: files, exit codes, and what a mistake is told as. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { createFeatureSpace, readPolicyFile } from '../../engine/index.ts'

const cli = resolve(import.meta.dirname, '..', '..', 'cli.ts')

suite('tune', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'highwayman-tune-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  function highwayman(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    // With a provider's key there would be a configuration.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.endsWith('_API_KEY')))
    return new Promise((done) => {
      execFile(process.execPath, [cli, ...args], { cwd: folder, env }, (error, stdout, stderr) => {
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

  test('a file for a gateway: its classes, its arms, and what is wrong with either', async () => {
    const fit = (...args: string[]) =>
      highwayman('fit', '--dataset', 'crossroads', '--out', 'g.json', ...args)
    const map = 'sim-openai/turnpike-mini=openai/gpt-mini'
    const fitted = await fit('--classes', 'default', '--arm-map', map, '--class-map', 'chat=other', '--json')
    assert.equal(fitted.code, 0, fitted.stderr)
    const file = readPolicyFile(JSON.parse(await readFile(join(folder, 'g.json'), 'utf8')))
    assert.equal(file.featureSpace.id, createFeatureSpace().id)
    assert.ok(file.sums.some(({ arm }) => arm === 'openai/gpt-mini'))
    const { labels, rows } = JSON.parse(fitted.stdout)
    assert.deepEqual(labels.map, { chat: 'other' })
    assert.equal(labels.rows.byName + labels.rows.byMap, rows)
    await writeFile(join(folder, 'map.json'), '{"chat": "talk"}')
    await writeFile(
      join(folder, 'yaml.yaml'),
      'providers: { openai: { apiKey: k } }\narms: { openai/gpt-5: }\n',
    )
    const configured = await fit('--classes', 'gateway', '--config', 'yaml.yaml')
    assert.match(configured.stdout, /12 classes; of the rows \d+ have theirs by name/)
    for (const [args, message] of [
      [['--classes', 'default', '--class-map', 'map.json'], /takes 'chat' to 'talk', which is no class/],
      [['--classes', 'default', '--class-map', 'chat'], /--class-map chat: expected pairs/],
      [['--classes', 'chat,,code'], /--classes chat,,code: a class is empty or listed twice/],
      [['--classes', 'gateway'], /no server runs on this data directory.*--url, --data-dir or --config/],
      [['--classes', 'billing'], /which is none of the classes, nor what their prompts are about/],
      [['--arm-map', 'gpt-mini=openai/gpt-mini'], /has no arm gpt-mini to call otherwise/],
    ] as const) {
      const { code, stderr } = await fit(...args)
      assert.equal(code, 2, stderr)
      assert.match(stderr, message)
    }
    const nowhere = await highwayman('fit', '--dataset', 'crossroads', '--out', 'no/where.json')
    assert.match(nowhere.stderr, /no\/where\.json cannot be written: its folder does not exist/)
    const missing = await highwayman('evaluate', '--log', 'log.parquet', '--policy', 'missing.json')
    assert.deepEqual(
      [missing.code, missing.stderr],
      [2, 'highwayman: missing.json cannot be read: there is no such file\n'],
    )
  })

  test('text over the classes of a gateway is left alone, and said so, or had where it is asked for', async () => {
    const tuned = (...args: string[]) =>
      highwayman(
        'tune',
        '--dataset',
        'crossroads',
        '--classes',
        'default',
        '--budget',
        '1',
        '--out',
        't.json',
        ...args,
      )
    const plain = await tuned()
    assert.match(plain.stdout, /no text was tried: .*--text outcomes.*coldStart\.file/)
    assert.match(plain.stdout, /to judge it: highwayman evaluate --log store/)
    const asked = await tuned('--text', 'topics')
    assert.equal(asked.code, 0, asked.stderr)
    assert.doesNotMatch(asked.stdout, /no text was tried/)
    assert.match(asked.stdout, /to judge it: highwayman replay --dataset crossroads --policy t\.json/)
    const file = readPolicyFile(JSON.parse(await readFile(join(folder, 't.json'), 'utf8')))
    assert.ok((file.text?.components ?? 0) > 0)
    // It is what a gateway can start from.
    const yaml =
      'providers: { openai: { apiKey: k } }\narms: { openai/gpt-5: }\ncoldStart: { file: t.json }\n'
    await writeFile(join(folder, 'start.yaml'), yaml)
    const doctor = await highwayman('doctor', '--config', 'start.yaml')
    assert.equal(doctor.code, 0, doctor.stdout + doctor.stderr)
  })

  test('in a folder without a store nothing is made, and where one may be is said', async () => {
    for (const args of [
      ['evaluate', '--log', 'store', '--policy', 'uniform'],
      ['policies', 'list'],
      ['log', 'export', '--out', 'log.jsonl'],
    ]) {
      const { code, stderr } = await highwayman(...args, '--data-dir', 'no-store')
      assert.equal(code, 2)
      assert.match(
        stderr,
        /there is no store in .*no-store: .*--data-dir or --config, or the server with --url/,
      )
    }
    assert.equal(existsSync(join(folder, 'no-store')), false)
    const { stderr } = await highwayman('evaluate', '--log', 'no-log.parquet', '--policy', 'uniform')
    assert.match(stderr, /no-log\.parquet cannot be read: there is no such file/)
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
