/**
 * bin/highwayman.js in made-up installations: which program it runs, on which Node, and that signals and exit codes pass
 * through. An installation whose package.json asks for Node 99 makes any Node an old one.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { repositoryRoot } from './tree.ts'

interface Installation {
  /** @default '>=24.12' */
  readonly engine?: string
  /** Folder below the scratch directory. @default 'clone' */
  readonly at?: string
  /** Source text by file. */
  readonly files: Readonly<Record<string, string>>
  /** What the `node` package beside it says its version is; it is this test's Node all the same. */
  readonly bundledNode?: string
}

const REPORT = `console.log(JSON.stringify({ file: import.meta.filename, script: process.argv[1], args: process.argv.slice(2), version: process.version }))`
const onPosix = { skip: process.platform === 'win32' ? 'the stand-in for node is a shell script' : false }

describe('bin/highwayman.js', () => {
  let scratch: string
  before(() => {
    scratch = realpathSync(mkdtempSync(join(tmpdir(), 'highwayman-launcher-')))
  })
  after(() => rmSync(scratch, { recursive: true }))

  function install({ engine = '>=24.12', at = 'clone', files, bundledNode }: Installation): string {
    const root = join(scratch, at)
    rmSync(root, { recursive: true, force: true })
    const write = (file: string, text: string) => {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      writeFileSync(join(root, file), text)
    }
    write('package.json', JSON.stringify({ type: 'module', engines: { node: engine } }))
    for (const [file, text] of Object.entries(files)) write(file, text)
    mkdirSync(join(root, 'bin'))
    cpSync(join(repositoryRoot, 'bin', 'highwayman.js'), join(root, 'bin', 'highwayman.js'))
    if (bundledNode !== undefined) {
      const version = `[ "$1" = --version ] && echo ${bundledNode} && exit`
      write('node_modules/node/bin/node', `#!/bin/sh\n${version}\nexec "${process.execPath}" "$@"\n`)
      chmodSync(join(root, 'node_modules/node/bin/node'), 0o755)
    }
    return root
  }

  function run(root: string, args: readonly string[] = [], node = process.execPath) {
    const { status, stdout, stderr } = spawnSync(node, [join(root, 'bin/highwayman.js'), ...args], {
      encoding: 'utf8',
    })
    return { status, stdout, stderr, report: stdout.startsWith('{') ? JSON.parse(stdout) : undefined }
  }

  it('runs cli.ts in a clone, even where an old dist is left', () => {
    const root = install({ files: { 'cli.ts': `const typed: string = ''\n${REPORT}`, 'dist/cli.js': '' } })
    const { status, report } = run(root, ['serve', '--port', '0'])
    const program = join(root, 'cli.ts')
    assert.deepEqual(report, {
      file: program,
      script: program,
      args: ['serve', '--port', '0'],
      version: process.version,
    })
    assert.equal(status, 0)
  })

  it('runs dist/cli.js where it is installed, even beside sources', () => {
    const root = install({
      at: 'app/node_modules/highwayman',
      files: { 'cli.ts': 'const typed: string = 1', 'dist/cli.js': REPORT },
    })
    assert.equal(run(root).report.file, join(root, 'dist/cli.js'))
  })

  it('says so when there is no program', () => {
    const { status, stderr } = run(install({ files: {} }))
    assert.equal(status, 1)
    assert.match(
      stderr,
      /^highwayman: neither cli\.ts nor dist\/cli\.js is in .*clone\. Repair: .*npm run build/,
    )
  })

  it('passes on the exit code of the program', onPosix, () => {
    assert.equal(run(install({ files: { 'cli.ts': 'process.exitCode = 7' } })).status, 7)
    const old = { engine: '>=99.0', bundledNode: 'v99.0.0' }
    assert.equal(run(install({ ...old, files: { 'cli.ts': 'process.exit(7)' } })).status, 7)
  })

  it('on an old Node, runs the program on the package `node` beside it', onPosix, () => {
    const root = install({ engine: '>=99.1', bundledNode: 'v100.0.0', files: { 'cli.ts': REPORT } })
    const { report, status } = run(root, ['replay', '--json'])
    assert.equal(status, 0)
    assert.equal(report.script, join(root, 'cli.ts'))
    assert.deepEqual(report.args, ['replay', '--json'])
  })

  it('finds the package `node` in a folder above', onPosix, () => {
    install({ at: 'app', files: {}, bundledNode: 'v99.0.0' })
    const root = join('app', 'node_modules', 'highwayman')
    const installed = install({ at: root, engine: '>=99.0', files: { 'dist/cli.js': REPORT } })
    assert.equal(run(installed).report.script, join(installed, 'dist/cli.js'))
  })

  for (const [name, bundledNode] of [
    ['no newer Node', undefined],
    ['only an old one', 'v99.0.5'],
  ] as const) {
    it(`on an old Node with ${name} beside it, names both versions and the repair`, onPosix, () => {
      const root = install({
        engine: '>=99.1',
        files: { 'cli.ts': REPORT },
        ...(bundledNode && { bundledNode }),
      })
      const { status, stdout, stderr } = run(root)
      assert.equal(status, 1)
      assert.equal(stdout, '')
      assert.match(
        stderr,
        /needs Node 99\.1 or newer, found v2\d\.\d+\.\d+ \(.+\)\. Repair: .*`npm ci` in .*clone/,
      )
    })
  }

  const caught = `process.on('SIGTERM', () => { console.log('draining'); process.exit(3) })`
  const waiting = `setInterval(() => {}, 1000); console.log('ready')`
  for (const { name, code, expected } of [
    { name: 'a signal the program handles', code: `${caught}; ${waiting}`, expected: [3, null] },
    { name: 'a signal that kills it', code: waiting, expected: [null, 'SIGTERM'] },
  ]) {
    it(`relays ${name}`, { ...onPosix, timeout: 30_000 }, async () => {
      const root = install({ engine: '>=99.0', bundledNode: 'v99.0.0', files: { 'cli.ts': code } })
      const launcher = spawn(process.execPath, [join(root, 'bin/highwayman.js')], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exit = once(launcher, 'exit')
      await Promise.race([once(launcher.stdout, 'data'), exit])
      launcher.kill('SIGTERM')
      assert.deepEqual(await exit, expected)
    })
  }

  const systemNode = '/usr/bin/node'
  const systemVersion = existsSync(systemNode)
    ? spawnSync(systemNode, ['--version'], { encoding: 'utf8' }).stdout
    : ''
  const isOld = /^v(1\d|2[0-3])\./.test(systemVersion)
  it('runs under a real old Node', { skip: isOld ? false : `no Node older than 24 at ${systemNode}` }, () => {
    const alone = run(install({ files: { 'cli.ts': REPORT } }), [], systemNode)
    assert.equal(alone.status, 1)
    assert.match(alone.stderr, new RegExp(`needs Node 24\\.12 or newer, found ${systemVersion.trim()}`))

    const root = install({
      files: { 'cli.ts': `const typed: string = ''\n${REPORT}` },
      bundledNode: process.version,
    })
    assert.equal(run(root, [], systemNode).report.version, process.version)
  })
})
