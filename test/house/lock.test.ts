/** package-lock.json must serve `npm ci` on every platform, from any registry. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { completeLock, gapsOf, isStandIn, type Lock } from './lock.ts'
import { repositoryRoot } from './tree.ts'

const read = (name: string) => JSON.parse(readFileSync(join(repositoryRoot, name), 'utf8'))
const lock: Lock = read('package-lock.json')
const manifest = read('package.json')
const installed = Object.entries(lock.packages).filter(([path]) => path !== '')

describe('package-lock.json', () => {
  it('has no gaps (npm run lock:complete fills them)', () => {
    assert.deepEqual(gapsOf(lock), [])
    assert.deepEqual(completeLock(lock).lock, lock)
  })

  it('names no registry: each project’s own setting decides where packages come from', () => {
    assert.deepEqual(
      installed.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path),
      [],
    )
  })

  it('has a hash of everything but the stand-ins for other platforms', () => {
    assert.deepEqual(
      installed
        .filter(([, entry]) => !isStandIn(entry) && !/^sha512-.{86}==$/.test(entry.integrity ?? ''))
        .map(([path]) => path),
      [],
    )
  })

  it('says what package.json says', () => {
    const fields = [
      'name',
      'version',
      'license',
      'engines',
      'dependencies',
      'devDependencies',
      'optionalDependencies',
    ]
    for (const field of fields) assert.deepEqual(lock.packages['']?.[field], manifest[field], field)
  })

  it('has the version that package.json pins of each direct dependency', () => {
    const pins: Record<string, string> = {
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
    }
    for (const [name, version] of Object.entries(pins)) {
      assert.equal(lock.packages[`node_modules/${name}`]?.version, version, name)
    }
  })

  it('package.json rules on every install script, so that none runs or is skipped by default', () => {
    const scripted = installed
      .filter(([, { hasInstallScript }]) => hasInstallScript === true)
      .map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length))
    assert.deepEqual(Object.keys(manifest.allowScripts).sort(), scripted.sort())
  })
})

describe('completeLock', () => {
  const gappy: Lock = {
    lockfileVersion: 3,
    packages: {
      '': { optionalDependencies: { engine: '2.0.0' }, devDependencies: { tool: '1.0.0' } },
      'node_modules/engine': {
        version: '2.0.0',
        integrity: 'sha512-…',
        optional: true,
        optionalDependencies: {
          '@engine/lib-linux-x64-gnu': '2.0.0',
          '@engine/lib-linux-arm64-musl': '2.0.0-rc.1',
        },
      },
      'node_modules/@engine/lib-linux-x64-gnu': { version: '2.0.0', integrity: 'sha512-…', optional: true },
      'node_modules/tool': {
        version: '1.0.0',
        integrity: 'sha512-…',
        dev: true,
        optionalDependencies: { 'tool-darwin-arm64': '1.0.0' },
        peerDependencies: { absent: '*' },
        peerDependenciesMeta: { absent: { optional: true } },
      },
    },
  }

  it('adds the missing platforms, developers’ ones marked so, in npm’s order', () => {
    const { lock: completed, filled } = completeLock(gappy)
    assert.deepEqual(filled, ['@engine/lib-linux-arm64-musl@2.0.0-rc.1', 'tool-darwin-arm64@1.0.0'])
    assert.deepEqual(Object.keys(completed.packages), [
      '',
      'node_modules/@engine/lib-linux-arm64-musl',
      'node_modules/@engine/lib-linux-x64-gnu',
      'node_modules/engine',
      'node_modules/tool',
      'node_modules/tool-darwin-arm64',
    ])
    assert.deepEqual(completed.packages['node_modules/@engine/lib-linux-arm64-musl'], {
      version: '2.0.0-rc.1',
      cpu: ['arm64'],
      libc: ['musl'],
      optional: true,
      os: ['linux'],
    })
    assert.deepEqual(completed.packages['node_modules/tool-darwin-arm64'], {
      version: '1.0.0',
      cpu: ['arm64'],
      dev: true,
      optional: true,
      os: ['darwin'],
    })
    assert.deepEqual(gapsOf(completed), [])
  })

  it('renews a stand-in when its parent moves on, and drops one that nobody wants', () => {
    const { lock: before } = completeLock(gappy)
    const tool = {
      ...before.packages['node_modules/tool'],
      optionalDependencies: { 'tool-darwin-arm64': '1.1.0' },
    }
    const engine = { ...before.packages['node_modules/engine'], optionalDependencies: {} }
    const { lock: after, filled } = completeLock({
      ...before,
      packages: { ...before.packages, 'node_modules/tool': tool, 'node_modules/engine': engine },
    })
    assert.deepEqual(filled, ['tool-darwin-arm64@1.1.0'])
    assert.equal(after.packages['node_modules/tool-darwin-arm64']?.version, '1.1.0')
    assert.equal('node_modules/@engine/lib-linux-arm64-musl' in after.packages, false)
  })

  it('finds a dependency where Node would: nearest first, then above', () => {
    const nested = (where: string): Lock => ({
      lockfileVersion: 3,
      packages: {
        '': { dependencies: { '@s/a': '1.0.0' } },
        'node_modules/@s/a': { version: '1.0.0', dependencies: { b: '^1.0.0' } },
        'node_modules/@s/a/node_modules/b': { version: '1.0.0', dependencies: { c: '^1.0.0' } },
        [where]: { version: '1.0.0' },
      },
    })
    assert.deepEqual(gapsOf(nested('node_modules/c')), [])
    assert.deepEqual(gapsOf(nested('node_modules/@s/a/node_modules/c')), [])
    assert.deepEqual(gapsOf(nested('node_modules/@s/a/node_modules/b/node_modules/c')), [])
    assert.equal(gapsOf(nested('node_modules/d/node_modules/c')).length, 1)
  })

  it('refuses a gap that only npm can close', () => {
    const required: Lock = { lockfileVersion: 3, packages: { '': { dependencies: { zod: '4.0.0' } } } }
    assert.throws(() => completeLock(required), /zod@4\.0\.0, wanted by package\.json.*run npm install/)
    const ranged: Lock = {
      lockfileVersion: 3,
      packages: { '': { optionalDependencies: { 'a-linux-x64': '^1.0.0' } } },
    }
    assert.throws(() => completeLock(ranged), /a-linux-x64@\^1\.0\.0/)
  })
})
