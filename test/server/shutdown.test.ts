/** How a server leaves, over real sockets: who is told, who is still answered, what is ended. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ListenError, listenError } from '../../server/listen-error.ts'
import { hostsOf, Listener } from '../../server/listener.ts'
import { ReadinessProbes } from '../../server/resilience/readiness-probes.ts'
import type { ShutdownStep } from '../../server/shutdown.ts'
import { chunk, event, openSse, saying, startOpenAiUpstream } from '../helpers/openai-upstream.ts'
import { eventually, startTestServer, type TestServer } from '../helpers/server.ts'

/** Longer than any of this takes; a test that fails ends after it. */
const LONG_MS = 20_000

interface Answer {
  readonly status: number
  readonly connection: string | undefined
  readonly text: string
}

/** By node:http, which tells what becomes of the connection. */
async function ask(agent: Agent, url: string, stream = false): Promise<Answer> {
  return await readAll(await begin(agent, url, stream))
}

async function begin(agent: Agent, url: string, stream: boolean): Promise<IncomingMessage> {
  const outgoing = request(`${url}/v1/chat/completions`, {
    method: 'POST',
    agent,
    headers: { 'content-type': 'application/json' },
  })
  outgoing.end(JSON.stringify({ model: 'auto', stream, messages: [{ role: 'user', content: 'Hello' }] }))
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return response
}

async function readAll(response: IncomingMessage): Promise<Answer> {
  let text = ''
  for await (const piece of response) text += piece
  return { status: response.statusCode ?? 0, connection: response.headers.connection, text }
}

function shutDown(server: TestServer, announced = true) {
  const steps: ShutdownStep[] = []
  const closed = server.running.close({ announced, onStep: (step) => steps.push(step) })
  return { steps, closed }
}

const names = (steps: readonly ShutdownStep[]) => steps.map(({ step }) => step)

/** An upstream whose streams say "One ", and go on and end when they are let. */
function halting() {
  const open: ServerResponse[] = []
  return {
    open,
    finish(): void {
      for (const response of open.splice(0)) {
        response.write(event(chunk({ content: 'two' }, 'stop')))
        response.end(event('[DONE]'))
      }
    },
    serve: (response: ServerResponse) => {
      openSse(response)
      response.write(event(chunk({ role: 'assistant', content: 'One ' })))
      open.push(response)
    },
  }
}

describe('a server that is leaving', () => {
  it('says so at once, and answers whoever comes all the same', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [{ id: 'acme/a', url: upstream.url }],
      server: { shutdownDelayMs: LONG_MS },
    })
    const { steps, closed } = shutDown(server)
    // A store that hangs must not keep it from saying so.
    server.store.ping = () => new Promise(() => {})
    const readiness = await server.get('/readyz')
    assert.equal(readiness.status, 503)
    const { status, replica, checks } = (await readiness.json()) as Record<string, unknown>
    assert.deepEqual([status, replica], ['draining', 'local'])
    assert.deepEqual(checks, { store: 'ok', arms: 'ok', accepting: 'failing' })
    assert.equal((await server.get('/healthz')).status, 200, 'a restart would help nobody')
    assert.match(await (await server.get('/metrics')).text(), /^highwayman_draining 1$/m)
    for (const stream of [false, true]) {
      const answer = await server.chat({ stream })
      assert.equal(answer.status, 200)
      assert.equal(answer.headers.get('connection'), 'close')
      assert.match(await answer.text(), /Hi/)
    }
    assert.equal((await server.chat({ model: 'nobody' })).headers.get('connection'), 'close')
    assert.deepEqual(steps, [{ step: 'leaving', forMs: LONG_MS }])
    assert.equal(server.running.hasten(), true)
    await closed
    assert.deepEqual(names(steps), ['leaving', 'draining', 'writing'])
    assert.equal(server.running.hasten(), false)
    await assert.rejects(server.get('/healthz'))
    assert.equal(server.store.attempts.length, 2)
    assert.equal(server.store.flushes, 1)
  })

  it('sends kept connections elsewhere by the next answer on them, also where it was being made', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    let isSlow = false
    await using upstream = await startOpenAiUpstream(async (response, request) => {
      if (isSlow) await gate
      await saying('Hi')(response, request)
    })
    await using server = await startTestServer({
      arms: [{ id: 'acme/a', url: upstream.url }],
      server: { shutdownDelayMs: LONG_MS },
    })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const other = new Agent({ keepAlive: true, maxSockets: 1 })
    assert.equal((await ask(agent, server.url)).connection, 'keep-alive')
    isSlow = true
    const running = ask(other, server.url)
    await eventually(() => upstream.requests.length === 2, 'the slow call')
    const { closed } = shutDown(server)
    isSlow = false
    open()
    for (const answer of [await running, await ask(agent, server.url)]) {
      assert.equal(answer.status, 200)
      assert.equal(answer.connection, 'close')
    }
    await eventually(() => [agent, other].every(isEmpty), 'both connections to end')
    server.running.hasten()
    await closed
  })

  it('waits for nobody where nobody looks, nor when it is not to announce anything', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    const arms = [{ id: 'acme/a', url: upstream.url }]
    const stepsOf = async (settings: { shutdownDelayMs?: number }, looks: number, announced = true) => {
      await using server = await startTestServer({ arms, server: settings })
      for (let look = 0; look < looks; look++) await server.get('/readyz')
      const { steps, closed } = shutDown(server, announced)
      if (steps[0]?.step === 'leaving') server.running.hasten()
      await closed
      return steps.map((step) => (step.step === 'leaving' ? step.forMs : step.step))
    }
    const [quick, slow] = [['draining', 'writing'], (ms: number) => [ms, 'draining', 'writing']] as const
    assert.deepEqual(await stepsOf({}, 0), quick)
    assert.deepEqual(await stepsOf({}, 1), quick, 'one look is no probe')
    assert.deepEqual(await stepsOf({}, 2), slow(5_000))
    assert.deepEqual(await stepsOf({}, 2, false), quick)
    assert.deepEqual(await stepsOf({ shutdownDelayMs: 0 }, 2), quick)
    assert.deepEqual(await stepsOf({ shutdownDelayMs: 70_000 }, 0), slow(70_000))
    assert.deepEqual(await stepsOf({ shutdownDelayMs: 70_000 }, 0, false), quick)
  })

  it('takes for probes what comes again within a minute, and was there within the last one', () => {
    const probes = new ReadinessProbes()
    assert.equal(probes.areComing(0), false)
    probes.asked(0)
    assert.equal(probes.areComing(0), false)
    probes.asked(60_001)
    assert.equal(probes.areComing(60_001), false)
    probes.asked(120_001)
    assert.equal(probes.areComing(120_001), true)
    assert.equal(probes.areComing(180_001), true)
    assert.equal(probes.areComing(180_002), false)
  })
})

describe('a server whose port has closed', () => {
  it('finishes streams that began before it was leaving, and closes each connection behind them', async () => {
    const streams = halting()
    await using upstream = await startOpenAiUpstream(streams.serve)
    await using server = await startTestServer({
      arms: [{ id: 'acme/a', url: upstream.url }],
      server: { shutdownDelayMs: LONG_MS },
    })
    const agents = [0, 1].map(() => new Agent({ keepAlive: true, maxSockets: 1 }))
    const responses = await Promise.all(agents.map((agent) => begin(agent, server.url, true)))
    assert.deepEqual(
      responses.map(({ headers }) => headers.connection),
      ['keep-alive', 'keep-alive'],
    )
    const { steps, closed } = shutDown(server)
    server.running.hasten()
    await eventually(() => steps.length === 2, 'the port to close')
    assert.deepEqual(steps[1], { step: 'draining', forMs: 5_000, running: 2 })
    const [first, second] = streams.open.splice(0)
    streams.open.push(first!)
    streams.finish()
    const [quick] = await Promise.race(
      responses.map(async (response, i) => [i, (await readAll(response)).text] as const),
    )
    await eventually(() => isEmpty(agents[quick]!), 'the connection of the finished one to end')
    assert.equal(server.store.flushes, 0, 'the other one still runs')
    streams.open.push(second!)
    streams.finish()
    await closed
    assert.deepEqual(names(steps), ['leaving', 'draining', 'writing'])
    assert.deepEqual(
      server.store.attempts.map(({ status }) => status),
      ['answered', 'answered'],
    )
  })

  it('ends streams when it is hastened: an error for the caller, and its end on record before the last writing', async () => {
    const streams = halting()
    let flooded = 0
    await using upstream = await startOpenAiUpstream(async (response, { body }) => {
      if (!JSON.stringify(body).includes('flood')) return streams.serve(response)
      openSse(response)
      const piece = event(chunk({ role: 'assistant', content: 'x'.repeat(500_000) }))
      for (; !response.destroyed; flooded++) {
        if (response.write(piece)) continue
        await new Promise((resolve) => response.once('drain', resolve))
      }
    })
    await using server = await startTestServer({
      arms: [{ id: 'acme/a', url: upstream.url }],
      server: { drainMs: LONG_MS },
    })
    let atFlush = -1
    const { flush } = server.store
    server.store.flush = () => {
      atFlush = server.store.attempts.length
      return flush.call(server.store)
    }
    const agent = new Agent({ keepAlive: true })
    const response = await begin(agent, server.url, true)
    const deaf = await deafCaller(server)
    // Until all buffers on the way to somebody who does not read are full.
    for (let before = -1; before !== flooded; await sleep(100)) before = flooded
    const { steps, closed } = shutDown(server)
    assert.deepEqual(names(steps), ['draining'])
    assert.equal(server.running.hasten(), true)
    const { text } = await readAll(response)
    assert.match(text, /One .*data: \{"error":\{.*"code":"draining".*\}\n\n$/s)
    await closed
    deaf.destroy()
    assert.deepEqual(steps.slice(1), [{ step: 'ending', running: 2 }, { step: 'writing' }])
    assert.equal(atFlush, 2)
    assert.deepEqual(
      server.store.attempts.map(({ status }) => status),
      ['cancelled', 'cancelled'],
    )
  })

  it('is not held up by connections that nobody uses', async () => {
    await using upstream = await startOpenAiUpstream(saying('Hi'))
    await using server = await startTestServer({
      arms: [{ id: 'acme/a', url: upstream.url }],
      server: { drainMs: LONG_MS },
    })
    const agent = new Agent({ keepAlive: true })
    await ask(agent, server.url)
    const silent = connect(Number(new URL(server.url).port), '127.0.0.1')
    await once(silent, 'connect')
    const half = connect(Number(new URL(server.url).port), '127.0.0.1')
    half.write('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n')
    await new Promise((resolve) => setImmediate(resolve))
    for (const socket of [silent, half]) socket.on('error', () => {})
    await shutDown(server).closed
    assert.ok(isEmpty(agent))
  })
})

describe('what is listened on', () => {
  it('is one port on all addresses, which close together', async () => {
    const listener = await Listener.open(
      (_, response) => response.end('here'),
      ['127.0.0.1', '127.0.0.2', '192.0.2.1'],
      0,
    )
    const { port } = new URL(listener.url)
    const urls = ['127.0.0.1', '127.0.0.2'].map((host) => `http://${host}:${port}`)
    for (const url of urls) assert.equal(await (await fetch(url)).text(), 'here')
    const broken = connect(Number(port), '127.0.0.2')
    broken.write('nonsense\r\n\r\n')
    assert.match(String((await once(broken, 'data'))[0]), /"code":"malformed_request"/)
    const [silent] = await Promise.all(
      ['127.0.0.2'].map(async (host) => {
        const socket = connect(Number(port), host)
        await once(socket, 'connect')
        return socket
      }),
    )
    silent?.on('error', () => {})
    const closed = listener.close()
    for (const url of urls) await assert.rejects(fetch(url))
    listener.closeAllConnections()
    await closed
  })

  it('is every address of localhost, and else what was asked for', async () => {
    assert.deepEqual(await hostsOf('::1'), ['::1'])
    assert.ok((await hostsOf('localhost')).some((host) => host === '127.0.0.1' || host === '::1'))
  })
})

describe('a port or host that is not to be had', () => {
  it('is told with a code, the address and where to change it', async () => {
    const settings = { host: '--host', port: '--port' }
    const told = (code: string, host = '::1') =>
      listenError(Object.assign(new Error('listen'), { code }), host, 80, settings)
    const cases = [
      ['EADDRINUSE', 'listen_port_taken', 'EADDRINUSE: another process listens on [::1]:80; .*(--port)'],
      ['EACCES', 'listen_port_forbidden', 'EACCES: .* port 80; .*(--port)'],
      ['EADDRNOTAVAIL', 'listen_host_unknown', 'EADDRNOTAVAIL: ::1 is no address .*(--host)'],
      ['ENOTFOUND', 'listen_host_unknown', 'ENOTFOUND: ::1 is not known here; .*(--host)'],
    ] as const
    for (const [system, code, message] of cases) {
      const error = told(system)
      assert.ok(error instanceof ListenError)
      assert.equal(error.code, code)
      assert.match(error.message, new RegExp(message.replace(/[[\]()]/g, '\\$&')))
    }
    const other = Object.assign(new Error('x'), { code: 'EMFILE' })
    assert.equal(listenError(other, '::1', 80, settings), other)
  })
})

function isEmpty(agent: Agent): boolean {
  const count = (sockets: NodeJS.ReadOnlyDict<Socket[]>) => Object.values(sockets).flat().length
  return count(agent.sockets) + count(agent.freeSockets) === 0
}

/** Somebody who asks for a stream and never reads a byte of it. */
async function deafCaller(server: TestServer): Promise<Socket> {
  const before = server.store.decisions.length
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.pause()
  socket.on('error', () => {})
  const body = JSON.stringify({ model: 'auto', stream: true, messages: [{ role: 'user', content: 'flood' }] })
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  await eventually(() => server.store.decisions.length > before, 'its decision')
  return socket
}
