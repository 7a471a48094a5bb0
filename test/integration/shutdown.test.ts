/** A gateway of its own process under signals: what its callers see, what it says, and what is on record afterwards. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ChildServer, startChildServer } from '../helpers/child-server.ts'
import { startTestClickHouse } from '../helpers/clickhouse-http.ts'
import { chunk, event, openSse, saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { eventually } from '../helpers/server.ts'
import { repositoryRoot } from '../house/tree.ts'

const CALLERS = 8
const UPSTREAM_MS = 15
/** Two signals closer to each other than this are taken for one. */
const NEXT_SIGNAL_MS = 400

const post = (url: string, body: object) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'acme/a', messages: [{ role: 'user', content: 'Hello' }], ...body }),
  })

async function attemptsOf(server: ChildServer, decisionId: string | null): Promise<readonly string[]> {
  const reply = await fetch(`${server.url}/v1/decisions/${decisionId}`)
  const { attempts } = (await reply.json()) as { attempts: { status: string }[] }
  return attempts.map(({ status }) => status)
}

const steps = (server: ChildServer) =>
  [...server.complaints().matchAll(/^stopping: (.*)$/gm)].map(([, step]) => step)

describe('a gateway that is told to stop', () => {
  let folder: string
  let upstream: Awaited<ReturnType<typeof startOpenAiUpstream>>
  /** Streams that have begun and go on when they are let. */
  const open: ServerResponse[] = []
  const finish = () => {
    for (const response of open.splice(0)) {
      response.write(event(chunk({ content: 'two' }, 'stop')))
      response.end(event('[DONE]'))
    }
  }
  const start = async (settings = '{ port: 0 }', store?: string): Promise<ChildServer> => {
    const file = join(folder, 'highwayman.yaml')
    await writeFile(
      file,
      `providers: { acme: { type: openai-compatible, baseUrl: "${upstream.url}/v1", apiKey: k } }
arms: { acme/a: { price: { inputUsdPerMtok: 1, outputUsdPerMtok: 1 } } }
store: ${store ?? `{ dataDir: "${join(folder, 'store')}" }`}
server: ${settings}
`,
    )
    return await startChildServer(['--config', file])
  }
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'highwayman-shutdown-'))
    upstream = await startOpenAiUpstream(async (response, request) => {
      if ((request.body as { stream?: boolean }).stream !== true) {
        await sleep(UPSTREAM_MS)
        return saying('Hi')(response, request)
      }
      openSse(response)
      response.write(event(chunk({ role: 'assistant', content: 'One ' })))
      open.push(response)
    })
  })
  after(async () => {
    await upstream[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('fails no request of callers who go by /readyz, and finishes a stream behind the closed port', async () => {
    const server = await start()
    const stream = await post(server.url, { stream: true })
    const decisionId = stream.headers.get('x-highwayman-decision-id')
    let isReady = true
    let probes = 0
    let signalledMs = Number.POSITIVE_INFINITY
    const failures: unknown[] = []
    const closes: boolean[] = []
    const probe = async () => {
      while (isReady) {
        await sleep(20)
        const answer = await fetch(`${server.url}/readyz`)
        const { status } = (await answer.json()) as { status: string }
        probes++
        if (answer.status === 503) {
          assert.equal(status, 'draining')
          // As a balancer that asks three times before it believes it, and tells its callers late: after each has asked again.
          await sleep(500)
          await eventually(() => closes.length > CALLERS, 'answers after the signal')
        }
        isReady = answer.status === 200
      }
    }
    const call = async () => {
      while (isReady) {
        const isAfter = performance.now() > signalledMs
        try {
          const answer = await post(server.url, {})
          await answer.text()
          if (answer.status !== 200) failures.push(answer.status)
          if (isAfter) closes.push(answer.headers.get('connection') === 'close')
        } catch (error) {
          failures.push(error)
        }
      }
    }
    const running = Promise.all([probe(), ...Array.from({ length: CALLERS }, call)])
    await sleep(500)
    await eventually(() => probes > 2, 'the probes to be known for such')
    const ended = once(server.process, 'exit')
    server.process.kill('SIGTERM')
    await eventually(() => steps(server).length > 0, 'it to say so')
    signalledMs = performance.now()
    await running
    assert.deepEqual(failures, [])
    assert.ok(closes.every((isClose) => isClose))
    assert.match(steps(server)[0] ?? '', /^\/readyz says 503; requests are answered for 5 s more/)
    assert.equal((await post(server.url, {})).status, 200, 'also who does not go by it')

    server.process.kill('SIGTERM')
    await eventually(() => steps(server).length > 1, 'the second signal to close the port')
    assert.match(steps(server)[1] ?? '', /^the port is closed; 1 request may finish, for 30 s at most/)
    await assert.rejects(fetch(`${server.url}/readyz`))
    finish()
    assert.match(await stream.text(), /One .*two.*\[DONE\]\n\n$/s)
    assert.deepEqual(await ended, [0, null])
    assert.deepEqual(steps(server).slice(2), ['writing what is queued'])

    const next = await start()
    assert.deepEqual(await attemptsOf(next, decisionId), ['answered'])
    await next.kill('SIGTERM')
    assert.doesNotMatch(next.complaints(), /readyz/, 'nobody has asked: nobody is waited for')
  })

  test('ends a stream at the limit with an error that the caller reads, and has that on record', async () => {
    const server = await start('{ port: 0, drainMs: 300, shutdownDelayMs: 200 }')
    const stream = await post(server.url, { stream: true })
    const ended = once(server.process, 'exit')
    server.process.kill('SIGTERM')
    assert.match(await stream.text(), /One .*data: \{"error":\{.*"code":"draining".*\}\n\n$/s)
    assert.deepEqual(await ended, [0, null])
    assert.deepEqual(
      steps(server).map((step) => step?.slice(0, 25)),
      [
        '/readyz says 503; request',
        'the port is closed; 1 req',
        '1 request did not finish ',
        'writing what is queued',
      ],
    )
    const next = await start('{ port: 0, shutdownDelayMs: 60000 }')
    const id = stream.headers.get('x-highwayman-decision-id')
    assert.deepEqual(await attemptsOf(next, id), ['cancelled'])
    // Ctrl-C waits for no load balancer.
    await next.kill('SIGINT')
    assert.equal(next.process.exitCode, 0)
    assert.deepEqual(steps(next), ['the port is closed, and nothing runs', 'writing what is queued'])
  })

  test('takes the echo of a signal for none, the second one for impatience', async () => {
    const server = await start()
    const stream = await post(server.url, { stream: true })
    const ended = once(server.process, 'exit')
    server.process.kill('SIGINT')
    // Another one, since the system makes one of two that are the same.
    server.process.kill('SIGTERM')
    await eventually(() => steps(server).length > 0, 'it to say so')
    await sleep(NEXT_SIGNAL_MS)
    assert.equal(steps(server).length, 1)
    server.process.kill('SIGINT')
    assert.match(await stream.text(), /"code":"draining"/)
    assert.deepEqual(await ended, [0, null])
  })

  test('does not wait for a ClickHouse that hangs: its disk has what the next process writes', async () => {
    const clickhouse = await startTestClickHouse()
    try {
      const store = `{ url: "${clickhouse.url}", spool: { dir: "${join(folder, 'spool')}" } }`
      const server = await start(undefined, store)
      await clickhouse.setFaults({ kind: 'hang', when: '', times: 1_000_000 })
      const answer = await post(server.url, {})
      assert.equal(answer.status, 200)
      await server.kill('SIGTERM')
      assert.equal(server.process.exitCode, 0)
      await clickhouse.setFaults()
      const next = await start(undefined, store)
      assert.deepEqual(await attemptsOf(next, answer.headers.get('x-highwayman-decision-id')), ['answered'])
      await next.kill('SIGINT')
    } finally {
      await clickhouse.stop()
    }
  })

  test('on SIGHUP goes on, with its file read again or without one', async () => {
    const withFile = await start()
    withFile.process.kill('SIGHUP')
    await eventually(() => /highwayman\.yaml reloaded: 1 arms/.test(withFile.complaints()), 'the reload')
    await withFile.kill('SIGINT')
    assert.equal(withFile.process.exitCode, 0)
    const without = await startChildServer([
      '--dataset',
      'crossroads',
      '--data-dir',
      join(folder, 'simulated'),
    ])
    without.process.kill('SIGHUP')
    await eventually(() => /^SIGHUP: there is no configuration file/m.test(without.complaints()), 'its word')
    assert.equal((await fetch(`${without.url}/healthz`)).status, 200)
    await without.kill('SIGINT')
    assert.equal(without.process.exitCode, 0)
  })

  test('is reached by a signal through npm', async () => {
    const args = ['--json', '--port', '0', '--dataset', 'crossroads', '--data-dir', join(folder, 'npm')]
    const npm = spawn('npm', ['start', '--silent', '--', ...args], {
      cwd: repositoryRoot,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(npm, 'exit')
    const [line] = (await once(createInterface({ input: npm.stdout }), 'line')) as [string]
    const { pid } = JSON.parse(line) as { pid: number }
    try {
      npm.kill('SIGTERM')
      assert.deepEqual(await ended, [0, null])
      assert.ok(!isRunning(pid))
    } finally {
      if (isRunning(pid)) process.kill(pid, 'SIGKILL')
    }
  })

  const script = spawnSync('script', ['--version']).status === 0
  test('stops in order when its terminal is closed', {
    skip: script ? false : 'no `script` to make a terminal with',
  }, async () => {
    const cli = join(repositoryRoot, 'cli.ts')
    const dataDir = join(folder, 'terminal')
    const command = `exec "${process.execPath}" "${cli}" serve --json --port 0 --dataset crossroads --data-dir "${dataDir}"`
    const terminal = spawn('script', ['-qfc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
    const [line] = (await once(createInterface({ input: terminal.stdout }), 'line')) as [string]
    const { pid, url } = JSON.parse(line) as { pid: number; url: string }
    try {
      const answer = await fetch(`${url}/v1/route`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }] }),
      })
      const { decision_id: decisionId } = (await answer.json()) as { decision_id: string }
      terminal.kill('SIGKILL')
      await eventually(() => !isRunning(pid), 'its end')
      // One that was killed leaves its address behind, and has not written what came within the last second.
      assert.ok(!existsSync(join(dataDir, 'highwayman.url')))
      const next = await startChildServer(['--dataset', 'crossroads', '--data-dir', dataDir])
      const { status } = await fetch(`${next.url}/v1/decisions/${decisionId}`)
      await next.kill('SIGINT')
      assert.equal(status, 200)
    } finally {
      if (isRunning(pid)) process.kill(pid, 'SIGKILL')
    }
  })
})

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
