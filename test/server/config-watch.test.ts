/** Hot reload on real files: written in place, renamed over, broken, removed, swapped by a link. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { type ConfigError, loadRegistry, watchConfig } from '../../server/config/index.ts'
import type { Registry } from '../../server/registry.ts'

type Event =
  | { readonly kind: 'registry'; readonly registry: Registry; readonly ignored: readonly string[] }
  | { readonly kind: 'error'; readonly error: ConfigError }

const config = (drainMs: number, rest = '') =>
  `providers: { openai: { apiKey: k } }\narms: { openai/gpt-5: }\nserver: { drainMs: ${drainMs} }\n${rest}`

/** A watched file in a directory of its own, and what the watcher told so far. */
function watched(t: TestContext, path = 'highwayman.yaml', prepare?: (directory: string) => void) {
  const directory = mkdtempSync(join(tmpdir(), 'highwayman-watch-'))
  const file = join(directory, path)
  if (prepare) prepare(directory)
  else writeFileSync(file, config(1))
  const events: Event[] = []
  let told: () => void = () => {}
  const tell = (event: Event): void => {
    events.push(event)
    told()
  }
  const running = loadRegistry({ path: file, env: {} })
  assert.ok(running)
  const watcher = watchConfig({
    path: file,
    env: {},
    running,
    onRegistry: (registry, ignored) => tell({ kind: 'registry', registry, ignored }),
    onError: (error) => tell({ kind: 'error', error }),
    settleMs: 20,
  })
  t.after(() => {
    watcher.close()
    rmSync(directory, { recursive: true })
  })
  const next = async (): Promise<Event> => {
    const count = events.length
    await new Promise<void>((resolve) => {
      told = resolve
    })
    const event = events[count]
    assert.ok(event)
    return event
  }
  return { directory, file, watcher, events, next }
}

function drainMsOf(event: Event): number {
  assert.equal(event.kind, 'registry', event.kind === 'error' ? event.error.message : '')
  return event.kind === 'registry' ? event.registry.server.drainMs : Number.NaN
}

function codeOf(event: Event): string {
  assert.equal(event.kind, 'error')
  return event.kind === 'error' ? event.error.code : ''
}

describe('a changed file is taken up', { timeout: 20_000 }, () => {
  it('written in place', async (t) => {
    const { file, next } = watched(t)
    const event = next()
    writeFileSync(file, config(2))
    assert.equal(drainMsOf(await event), 2)
  })

  it('renamed over, again and again, as editors do', async (t) => {
    const { directory, file, next } = watched(t)
    for (const drainMs of [2, 3, 4]) {
      const event = next()
      renameSync(file, join(directory, 'highwayman.yaml~'))
      writeFileSync(join(directory, '.highwayman.yaml.swp'), config(drainMs))
      renameSync(join(directory, '.highwayman.yaml.swp'), file)
      assert.equal(drainMsOf(await event), drainMs)
    }
  })

  it('behind a link that is swapped, as mounted config maps are', async (t) => {
    const { directory, next } = watched(t, 'highwayman.yaml', (root) => {
      mkdirSync(join(root, 'one'))
      writeFileSync(join(root, 'one', 'highwayman.yaml'), config(1))
      symlinkSync('one', join(root, '..data'))
      symlinkSync('..data/highwayman.yaml', join(root, 'highwayman.yaml'))
    })
    const event = next()
    mkdirSync(join(directory, 'two'))
    writeFileSync(join(directory, 'two', 'highwayman.yaml'), config(2))
    symlinkSync('two', join(directory, '..data_tmp'))
    renameSync(join(directory, '..data_tmp'), join(directory, '..data'))
    assert.equal(drainMsOf(await event), 2)
  })

  it('once, however many steps it was written in', async (t) => {
    const { file, events, next } = watched(t)
    let event = next()
    for (let drainMs = 2; drainMs <= 9; drainMs++) writeFileSync(file, config(drainMs))
    assert.equal(drainMsOf(await event), 9)
    event = next()
    writeFileSync(file, config(10))
    assert.equal(drainMsOf(await event), 10)
    assert.equal(events.length, 2)
  })

  it('beside a file that never rests', async (t) => {
    const { directory, file, next } = watched(t)
    const busy = setInterval(() => writeFileSync(join(directory, 'log'), String(Math.random())), 5)
    t.after(() => clearInterval(busy))
    const event = next()
    writeFileSync(file, config(2))
    assert.equal(drainMsOf(await event), 2)
    clearInterval(busy)
  })

  it('not when only its neighbours changed', async (t) => {
    const { directory, file, events, next } = watched(t)
    const event = next()
    writeFileSync(join(directory, 'neighbour'), 'x')
    writeFileSync(file, config(1))
    // Long enough for a reload because of the neighbour to have come.
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.deepEqual(events, [])
    writeFileSync(file, config(2))
    assert.equal(drainMsOf(await event), 2)
  })
})

describe('a bad file', { timeout: 20_000 }, () => {
  it('is reported, once, and the next good one is taken up', async (t) => {
    const { file, directory, events, next } = watched(t)
    let event = next()
    writeFileSync(file, config(2, 'modles: {}\n'))
    const bad = await event
    assert.equal(codeOf(bad), 'config_invalid')
    assert.match(bad.kind === 'error' ? bad.error.message : '', /highwayman\.yaml:4:1 modles: .*"models"/)
    event = next()
    writeFileSync(join(directory, 'neighbour'), 'x')
    writeFileSync(file, config(3))
    assert.equal(drainMsOf(await event), 3)
    assert.equal(events.length, 2)
  })

  it('that is gone is reported, and taken up when it is back', async (t) => {
    const { file, next } = watched(t)
    let event = next()
    rmSync(file)
    assert.equal(codeOf(await event), 'config_not_found')
    event = next()
    writeFileSync(file, config(1))
    assert.equal(drainMsOf(await event), 1)
  })
})

describe('reload', { timeout: 20_000 }, () => {
  it('reads the file at once, changed or not', (t) => {
    const { file, watcher, events } = watched(t)
    watcher.reload()
    writeFileSync(file, 'no: good\n')
    watcher.reload()
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['registry', 'error'],
    )
  })

  it('and the change that led to it is not told again', async (t) => {
    const { file, watcher, events } = watched(t)
    writeFileSync(file, config(2))
    watcher.reload()
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal(events.length, 1)
  })

  it('nothing is told after close', async (t) => {
    const { file, watcher, events } = watched(t)
    writeFileSync(file, config(2))
    // The change is noticed, the file not yet read.
    await new Promise((resolve) => setTimeout(resolve, 5))
    watcher.close()
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.deepEqual(events, [])
  })

  it('a file that does not exist cannot be watched', (t) => {
    const { file, directory } = watched(t)
    const running = loadRegistry({ path: file, env: {} })
    assert.ok(running)
    const options = {
      path: join(directory, 'absent', 'h.yaml'),
      env: {},
      running,
      onRegistry() {},
      onError() {},
    }
    assert.throws(() => watchConfig(options), { code: 'config_not_found' })
  })
})

describe('what needs a restart', { timeout: 20_000 }, () => {
  it('is named and stays as it runs, while the rest changes', async (t) => {
    const { file, watcher, events } = watched(t)
    writeFileSync(
      file,
      `providers: { openai: { apiKey: k } }
arms: { openai/gpt-5: , openai/gpt-5-mini: }
classes: [one, two]
store: { dataDir: elsewhere }
server: { host: 0.0.0.0, port: 1234, bodyLimitBytes: 2048, drainMs: 7, maxInFlight: 8, maxAttempts: 9 }
`,
    )
    watcher.reload()
    const event = events[0]
    assert.ok(event?.kind === 'registry')
    assert.deepEqual(event.ignored, [
      'server.host',
      'server.port',
      'server.bodyLimitBytes',
      'store',
      'classes',
    ])
    const running = loadRegistry({ path: file, env: {} })
    assert.ok(running)
    assert.equal(event.registry.arms.size, 2)
    assert.deepEqual(event.registry.server, {
      ...{ host: '127.0.0.1', port: 8787, bodyLimitBytes: 16 * 1024 * 1024 },
      ...{ drainMs: 7, maxInFlight: 8, maxAttempts: 9 },
    })
    assert.notDeepEqual(event.registry.store, running.store)
    assert.ok(event.registry.classes.length > 2)

    // Compared with the start, not with the file before: the same file again is still waiting for a restart.
    watcher.reload()
    const again = events[1]
    assert.deepEqual(again?.kind === 'registry' && again.ignored, event.ignored)
  })

  it('an embedding that was added is ignored until then', (t) => {
    const { file, watcher, events } = watched(t)
    writeFileSync(
      file,
      `${config(1)}features: { embedding: { provider: openai, model: e, dimensions: 64 } }\n`,
    )
    watcher.reload()
    const event = events[0]
    assert.ok(event?.kind === 'registry')
    assert.deepEqual(event.ignored, ['features'])
    assert.equal(event.registry.embedding, undefined)
  })

  it('on the command line is not a change of the file, and stays', (t) => {
    const { file } = watched(t)
    const loaded = loadRegistry({ path: file, env: {} })
    assert.ok(loaded)
    const running = { ...loaded, server: { ...loaded.server, port: 4321 } }
    const told: (readonly [number, readonly string[]])[] = []
    const watcher = watchConfig({
      ...{ path: file, env: {}, running, onError: assert.fail },
      onRegistry: (next, ignored) => told.push([next.server.port, ignored]),
    })
    t.after(() => watcher.close())
    watcher.reload()
    writeFileSync(file, `${config(1)}classes: [a]\n`)
    watcher.reload()
    assert.deepEqual(told, [
      [4321, []],
      [4321, ['classes']],
    ])
  })
})
