/** Opening the embedded engine where it cannot be opened. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, mock, test } from 'node:test'
import { openEmbedded } from '../../adapters/clickhouse/embedded.ts'
import { DEATHS_MAX, supervise } from '../../adapters/clickhouse/supervisor.ts'
import { openStore } from '../../adapters/index.ts'

let root: string

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'highwayman-engine-'))
})
after(() => rm(root, { recursive: true, force: true }))

test('without the optional package the error names both ways out', async () => {
  // The engine runs in a process of its own, which is told in its environment to find no such package.
  const preload = `
    import { registerHooks } from 'node:module'
        registerHooks({
      resolve(specifier, context, next) {
        if (!specifier.startsWith('chdb')) return next(specifier, context)
        throw Object.assign(new Error("Cannot find package '" + specifier + "'"), { code: 'ERR_MODULE_NOT_FOUND' })
      },
    })`
  const before = process.env['NODE_OPTIONS']
  process.env['NODE_OPTIONS'] = `--import data:text/javascript,${encodeURIComponent(preload)}`
  try {
    await assert.rejects(openStore({ kind: 'embedded', dataDir: join(root, 'a'), replica: 'r' }), {
      code: 'store_engine_missing',
      message: /npm install chdb.*store\.url/,
    })
  } finally {
    if (before === undefined) delete process.env['NODE_OPTIONS']
    else process.env['NODE_OPTIONS'] = before
  }
})

test('an engine that dies fails what waits for it, by name, and is started again', async () => {
  const opened = await openEmbedded(join(root, 'dies'))
  await opened.command('CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x')
  for (const restarts of [1, 2]) {
    const restarted = new Promise<void>((resolve) => {
      opened.onRestart = resolve
    })
    const [engine] = childrenOf(process.pid)
    const waiting = opened.query('SELECT sleep(2) AS s')
    process.kill(engine as number, 'SIGKILL')
    await assert.rejects(waiting, /embedded ClickHouse has ended \(SIGKILL\)/)
    await assert.rejects(opened.query('SELECT 1 AS one'), /embedded ClickHouse is being started again/)
    await restarted
    assert.deepEqual(await opened.query('SELECT count() AS n FROM t'), [{ n: 0 }])
    assert.equal(opened.restarts, restarts)
  }
  await opened.close(true)
})

test('an engine that keeps dying is left alone after a number of times, and the message says so', async () => {
  let started = 0
  const endings: (() => void)[] = []
  const supervisor = await supervise(async () => {
    started += 1
    // From the second time on it does not even open.
    if (started > 1) throw new Error('no room on the disk')
    return {
      exited: new Promise<void>((resolve) => endings.push(resolve)),
      call: async () => [],
      close: async () => {},
    }
  })
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    endings[0]?.()
    for (let i = 0; i < 2 * DEATHS_MAX; i += 1) {
      await new Promise(setImmediate)
      mock.timers.tick(30_000)
    }
    assert.equal(started, DEATHS_MAX + 1)
    await assert.rejects(
      supervisor.call({ kind: 'close' }),
      /has ended 9 times within ten minutes \(no room on the disk\).*restart the gateway/,
    )
  } finally {
    mock.timers.reset()
    await supervisor.close()
  }
})

test('the engine ends with its process, and its directory can be opened again', async () => {
  const directory = join(root, 'orphan')
  const script = `
    import { openEmbedded } from ${JSON.stringify(new URL('../../adapters/clickhouse/embedded.ts', import.meta.url).href)}
    const opened = await openEmbedded(${JSON.stringify(directory)})
    await opened.command('CREATE TABLE t (x UInt8) ENGINE = MergeTree ORDER BY x')
    process.kill(process.pid, 'SIGKILL')`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], {
    stdio: 'inherit',
  })
  await once(child, 'exit')
  assert.equal(child.signalCode, 'SIGKILL')
  const opened = await openEmbedded(directory)
  assert.ok(opened.recovering)
  assert.deepEqual(await opened.query('SELECT count() AS n FROM t'), [{ n: 0 }])
  await opened.close(true)
})

test('whoever waits for an engine that dies is told, also where nothing else keeps the process alive', async () => {
  const script = `
    import { readFileSync } from 'node:fs'
    import { openEmbedded } from ${JSON.stringify(new URL('../../adapters/clickhouse/embedded.ts', import.meta.url).href)}
    const opened = await openEmbedded(${JSON.stringify(join(root, 'waits'))})
    const children = readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim().split(' ')
    const waiting = opened.query('SELECT sleep(2) AS s')
    for (const id of children) process.kill(Number(id), 'SIGKILL')
    await waiting.catch((error) => process.stdout.write(error.message))
    await opened.close(true)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [told, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  assert.match(told, /embedded ClickHouse has ended \(SIGKILL\)/)
  assert.equal(code, 0)
})

/** Process ids of the children of a process, as Linux tells them. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number)
}

test('a data directory that is a file is named', async () => {
  const file = join(root, 'file')
  await writeFile(file, '')
  await assert.rejects(openStore({ kind: 'embedded', dataDir: file, replica: 'r' }), (error: Error) => {
    assert.ok('code' in error && error.code === 'store_bad_location')
    assert.ok(error.message.includes(file))
    return true
  })
})

test('a replica without a name is refused', async () => {
  await assert.rejects(openStore({ kind: 'embedded', dataDir: join(root, 'b'), replica: '' }), {
    code: 'store_bad_location',
  })
})
