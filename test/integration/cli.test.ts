/** The command line as a user meets it: what goes to stdout and stderr, and the exit code. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { startChildServer } from '../helpers/child-server.ts'

const cli = resolve(import.meta.dirname, '..', '..', 'cli.ts')

interface Run {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

suite('the command line', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'highwayman-cli-'))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  /** In the temporary folder, without provider keys. */
  function highwayman(...args: string[]): Promise<Run> {
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.endsWith('_API_KEY')))
    return new Promise((done) => {
      execFile(process.execPath, [cli, ...args], { cwd: folder, env }, (error, stdout, stderr) => {
        done({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, stdout, stderr })
      })
    })
  }
  async function configFile(name: string, text: string): Promise<string> {
    const path = join(folder, name)
    await writeFile(path, text)
    return path
  }

  test('--help names every command, and each command its flags', async () => {
    const { code, stdout } = await highwayman('--help')
    assert.equal(code, 0)
    for (const command of ['serve', 'simulate', 'replay', 'fit', 'tune', 'doctor', 'demo', 'erase']) {
      assert.match(stdout, new RegExp(`^ +${command} `, 'm'))
      const help = await highwayman(command, '--help')
      assert.equal(help.code, 0)
      assert.match(help.stdout, /--json/)
    }
  })

  test('an unknown flag or a value out of range is bad input', async () => {
    const unknown = await highwayman('replay', '--dataset', 'crossroads', '--sead', '1')
    assert.equal(unknown.code, 2)
    assert.match(unknown.stderr, /--sead/)
    const range = await highwayman('serve', '--port', '99999')
    assert.equal(range.code, 2)
    assert.match(range.stderr, /99999.*0 to 65535/s)
  })

  test('replay: a table for people, JSON for scripts, the same for the same seed', async () => {
    const args = ['replay', '--dataset', 'crossroads', '--online', '--seeds', '2']
    const table = await highwayman(...args)
    assert.equal(table.code, 0, table.stderr)
    assert.match(table.stdout, /zero router/)
    assert.equal(table.stderr, '')
    const [first, second] = [await highwayman(...args, '--json'), await highwayman(...args, '--json')]
    assert.equal(first.stdout, second.stdout)
    const result = JSON.parse(first.stdout)
    assert.equal(result.dataset, 'crossroads')
    assert.equal(result.n, 960)
    assert.equal(result.seeds, 2)
    for (const figures of [result.policy, ...Object.values<{ reward: object }>(result.baselines)]) {
      assert.deepEqual(Object.keys(figures.reward).sort(), ['hi', 'lo', 'mean'])
    }
    for (const name of ['random', 'bestSingle', 'zeroRouter', 'categoryMean', 'oracle']) {
      assert.ok(name in result.baselines, name)
    }
    assert.equal(typeof result.verdict, 'string')
  })

  test('replay under a budget and through a scenario', async () => {
    const args = ['replay', '--dataset', 'crossroads', '--online', '--seeds', '2', '--budget-usd', '0.002']
    const paced = await highwayman(...args, '--split', 'test', '--warm-start', 'train', '--json')
    assert.equal(paced.code, 0, paced.stderr)
    const { policy } = JSON.parse(paced.stdout)
    assert.equal(policy.budgetUsd, 0.002)
    assert.ok(Math.abs(policy.budget.used.mean - policy.costUsd.mean / 0.002) < 1e-9)
    const table = await highwayman(...args, '--scenario', 'crossroads-price-cut')
    assert.equal(table.code, 0, table.stderr)
    assert.match(
      table.stdout,
      /scenario crossroads-price-cut: 960 rows.*480 │ sim-anthropic\/bramble-large: price × 0\.1/s,
    )
    const json = await highwayman(...args, '--scenario', 'crossroads-price-cut', '--json')
    assert.deepEqual(
      JSON.parse(json.stdout).stretches.map((stretch: { fromStep: number }) => stretch.fromStep),
      [0, 480],
    )
  })

  test('replay: a budget or a scenario that cannot be, named with its repair', async () => {
    const args = ['replay', '--dataset', 'crossroads', '--online', '--json']
    for (const budget of ['0', '-1', 'much']) {
      const { code, stderr } = await highwayman(...args, `--budget-usd=${budget}`)
      assert.equal(code, 2)
      assert.match(stderr, new RegExp(`--budget-usd.*'${budget}'.*above 0`, 's'))
    }
    const event = (changes: object) =>
      JSON.stringify({ description: 'A test.', events: [{ atStep: 5, ...changes }] })
    const wrong: [content: string, code: string, message: RegExp][] = [
      [
        event({ arm: 'sim/none', add: true }),
        'eval_unknown_arm',
        /sim\/none comes: no such arm.*turnpike-mini/,
      ],
      [
        event({ arm: 'sim-google/lantern-lite', atStep: 960, priceFactor: 2 }),
        'eval_bad_scenario',
        /atStep 960.*from 0 to 959/,
      ],
      [
        event({ arm: 'sim-google/lantern-lite' }),
        'dataset_bad_scenario',
        /events\.0: expected exactly one of/,
      ],
    ]
    for (const [content, expected, message] of wrong) {
      const { code, stdout, stderr } = await highwayman(
        ...args,
        '--scenario',
        await configFile('s.json', content),
      )
      assert.equal(code, 2)
      assert.equal(JSON.parse(stdout).error.code, expected)
      assert.match(stderr, message)
    }
    const absent = await highwayman(...args, '--scenario', 'none')
    assert.equal(absent.code, 2)
    assert.equal(JSON.parse(absent.stdout).error.code, 'dataset_not_found')
    const frozen = await highwayman('replay', '--dataset', 'crossroads', '--budget-usd', '1')
    assert.equal(frozen.code, 2)
    assert.match(frozen.stderr, /budgetUsd needs an online replay/)
  })

  test('fit: a policy file that replay starts from, and one that it cannot read', async () => {
    const fitted = await highwayman('fit', '--dataset', 'crossroads', '--out', 'policy.json', '--json')
    assert.equal(fitted.code, 0, fitted.stderr)
    const { rows, sums } = JSON.parse(fitted.stdout) as { rows: number; sums: number }
    assert.ok(rows > 100 && sums >= 12, fitted.stdout)
    const args = [
      'replay',
      '--dataset',
      'crossroads',
      '--split',
      'test',
      '--online',
      '--seeds',
      '3',
      '--json',
    ]
    const reward = async (...more: string[]) => {
      const { code, stdout, stderr } = await highwayman(...args, ...more)
      assert.equal(code, 0, stderr)
      return (JSON.parse(stdout) as { policy: { reward: { mean: number } } }).policy.reward.mean
    }
    const [cold, warm] = [await reward(), await reward('--policy', 'policy.json')]
    assert.ok(warm > cold + 0.02, `${cold} cold, ${warm} warm`)
    const frozen = await highwayman('replay', '--dataset', 'crossroads', '--policy', 'policy.json')
    assert.match(frozen.stdout, new RegExp(`policy file made from ${rows} rows of crossroads, train`))
    await configFile('bad.json', '{"format": "highwayman-policy", "version": 7}')
    const bad = await highwayman('replay', '--dataset', 'crossroads', '--policy', 'bad.json', '--json')
    assert.equal(bad.code, 2)
    assert.deepEqual(JSON.parse(bad.stdout).error.code, 'engine_bad_policy_file')
    assert.match(bad.stderr, /version must be 1, .* got 7/)
    await configFile('broken.json', '{')
    const broken = await highwayman('replay', '--dataset', 'crossroads', '--policy', 'broken.json')
    assert.equal(broken.code, 2)
    assert.match(broken.stderr, /broken\.json is not JSON/)
  })

  test('replay: a data set that is not there, and one with a broken line', async () => {
    const missing = await highwayman('replay', '--dataset', 'crosroads', '--json')
    assert.equal(missing.code, 2)
    assert.equal(JSON.parse(missing.stdout).error.code, 'dataset_not_found')
    assert.match(missing.stderr, /crosroads.*crossroads/s)
    const row = {
      prompt_id: 'a',
      split: 'test',
      task: 't',
      prompt: 'p',
      outcomes: { m: { quality: 1.3, cost_usd: 1 } },
    }
    await writeFile(join(folder, 'prompts.jsonl'), `${JSON.stringify(row)}\n`)
    const broken = await highwayman('replay', '--dataset', folder)
    assert.equal(broken.code, 2)
    assert.match(broken.stderr, /prompts\.jsonl:1 outcomes\.m\.quality/)
    assert.equal(broken.stdout, '')
  })

  test('a configuration with mistakes: each with its place and its repair, and nothing is started', async () => {
    const path = await configFile(
      'bad.yaml',
      `providers:\n  openai: { apiKey: "\${NOT_SET_ANYWHERE}" }\nmodells: {}\n`,
    )
    for (const command of ['serve', 'doctor']) {
      const { code, stderr, stdout } = await highwayman(command, '--config', path)
      assert.equal(code, 2)
      assert.equal(stdout, '')
      assert.match(stderr, /bad\.yaml:2:\d+ .*NOT_SET_ANYWHERE/)
      assert.match(stderr, /bad\.yaml:3:1 .*did you mean.*models/)
    }
    const absent = await highwayman('serve', '--config', join(folder, 'none.yaml'), '--json')
    assert.equal(absent.code, 2)
    assert.equal(JSON.parse(absent.stdout).error.code, 'config_not_found')
  })

  test('a ClickHouse that does not answer at the start is named, without its password', async () => {
    const path = await configFile(
      'remote.yaml',
      [
        'providers: { house: { type: openai-compatible, baseUrl: "http://127.0.0.1:9/v1", apiKey: x } }',
        'arms: { house/a: { price: { inputUsdPerMtok: 1, outputUsdPerMtok: 1 } } }',
        'store: { url: "http://127.0.0.1:9", username: me, password: hush-hush }',
        '',
      ].join('\n'),
    )
    const serve = await highwayman('serve', '--config', path, '--port', '0')
    assert.equal(serve.code, 1)
    assert.match(serve.stderr, /127\.0\.0\.1:9.*store\.url/s)
    assert.doesNotMatch(serve.stderr, /hush-hush/)
    const doctor = await highwayman('doctor', '--config', path, '--json')
    assert.equal(doctor.code, 1)
    const report = JSON.parse(doctor.stdout)
    assert.equal(report.ok, false)
    assert.match(report.storeProblem, /127\.0\.0\.1:9/)
  })

  test('a command that there is not is named', async () => {
    const { code, stderr } = await highwayman('sevre')
    assert.equal(code, 2)
    assert.match(stderr, /unknown command 'sevre'/)
  })

  test('doctor and erase go by the server that has the store open', async () => {
    const dataDir = join(folder, 'running')
    const server = await startChildServer(['--dataset', 'crossroads', '--data-dir', dataDir])
    try {
      const doctor = await highwayman('doctor', '--data-dir', dataDir)
      assert.equal(doctor.code, 0, doctor.stdout + doctor.stderr)
      assert.match(doctor.stdout, new RegExp(`store opens: yes, .*${server.url}`))
      const noSpan = await fetch(`${server.url}/admin/v1/log?from=2026-02-01&to=2026-01-01`)
      assert.equal(noSpan.status, 400, await noSpan.text())
      const asked = await fetch(`${server.url}/v1/route`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ user: 'ann', messages: [{ role: 'user', content: 'Hi' }] }),
      })
      const { decision_id: id } = (await asked.json()) as { decision_id: string }
      const erased = await highwayman('erase', '--user', 'ann', '--data-dir', dataDir, '--json')
      assert.equal(erased.code, 0, erased.stderr)
      assert.equal(JSON.parse(erased.stdout).decisions, 1)
      assert.equal((await fetch(`${server.url}/v1/decisions/${id}`)).status, 404)
    } finally {
      await server.kill('SIGTERM')
    }
  })

  test('doctor: all well is exit code 0', async () => {
    const { code, stdout } = await highwayman('doctor', '--data-dir', join(folder, 'doctor'))
    assert.equal(code, 0)
    assert.match(stdout, /store opens: yes/)
  })

  test('a port that is taken is an error with a repair, not a stack', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    try {
      const { port } = taken.address() as AddressInfo
      const { code, stderr } = await highwayman(
        'serve',
        '--port',
        String(port),
        '--data-dir',
        join(folder, 'taken'),
      )
      assert.equal(code, 2)
      assert.match(stderr, new RegExp(`EADDRINUSE.*${port}.*--port, server.port`))
      assert.doesNotMatch(stderr, /\n +at /)
      const simulated = await highwayman('simulate', '--port', String(port), '--json')
      assert.equal(simulated.code, 2)
      const { error } = JSON.parse(simulated.stdout) as { error: { code: string; message: string } }
      assert.equal(error.code, 'listen_port_taken')
      assert.match(error.message, new RegExp(`127.0.0.1:${port}; stop it.*\\(--port\\)$`))
      assert.doesNotMatch(simulated.stderr, /\n +at /)
    } finally {
      taken.close()
    }
  })

  test('SIGTERM ends the server with code 0, and nothing that ran under it is left', async () => {
    const server = await startChildServer(['--dataset', 'crossroads', '--data-dir', join(folder, 'term')])
    await server.kill('SIGTERM')
    assert.equal(server.process.exitCode, 0)
    const again = await startChildServer(['--dataset', 'crossroads', '--data-dir', join(folder, 'term')])
    await again.kill('SIGTERM')
    assert.equal(again.process.exitCode, 0)
  })
})
