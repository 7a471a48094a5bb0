/**
 * The house rules: who may import whom, what the engine may touch, what nobody may leave behind. Each rule reads the
 * repository, and beside it a made-up tree that breaks it, so that a rule which has stopped seeing is found out.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { engineImpurities } from './house/engine-purity.ts'
import { deadFiles, eagerLoads, importCycles } from './house/graph-rules.ts'
import {
  adapterTrespasses,
  computedImports,
  dependencyMismatches,
  forbiddenCrossings,
  forbiddenPackages,
} from './house/import-rules.ts'
import { bannedWords, longFiles, MAX_LINES, unseededProperties } from './house/text-rules.ts'
import { type Module, modulesOf, readTree, repositoryRoot, type SourceTree } from './house/tree.ts'

/** Files that may be longer than the rest, and why. */
const LONG_FILES: ReadonlyMap<string, string> = new Map([
  ['test/conformance/store.test.ts', 'all that every store promises, one suite for four places'],
])

/** Files that are run by hand to make something which is committed, and what. */
const GENERATORS: ReadonlyMap<string, string> = new Map([
  [
    'datasets/crossroads/generate.ts',
    'the bundled set: datasets/crossroads/prompts.jsonl.gz and models.json',
  ],
  ['docs/figures/experiments.ts', 'the tables of docs/experiments.md'],
  ['docs/figures/quality-cost.ts', 'the figure of the README'],
  ['test/helpers/build-class-model.ts', 'the classifier of request classes: engine/text/class-model.json'],
])

const tree = readTree(repositoryRoot)
const modules = modulesOf(tree)
const manifest = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8'))

function treeOf(files: Readonly<Record<string, string>>): SourceTree {
  return new Map(Object.entries(files))
}
function madeUp(files: Readonly<Record<string, string>>): readonly Module[] {
  return modulesOf(treeOf(files))
}

describe('imports between folders follow the table', () => {
  it('in the repository', () => {
    assert.deepEqual(forbiddenCrossings(modules), [])
  })

  it('reports a folder that may not be imported at all', () => {
    const broken = {
      'engine/router.ts': "import type { Store } from '../adapters/index.ts'",
      'adapters/clickhouse/client.ts': "import { buildApp } from '../../server/index.ts'",
      'datasets/load.ts': "export { open } from '../adapters/index.ts'",
      'eval/replay.ts': "const store = await import('../adapters/index.ts')",
      'server/app.ts': "import { load } from '../datasets/index.ts'",
    }
    assert.deepEqual(forbiddenCrossings(madeUp(broken)), [
      'adapters/clickhouse/client.ts:1: adapters may not import server (server/index.ts)',
      'datasets/load.ts:1: datasets may not import adapters (adapters/index.ts)',
      'engine/router.ts:1: engine may not import adapters (adapters/index.ts)',
      'eval/replay.ts:1: eval may not import adapters (adapters/index.ts)',
      'server/app.ts:1: server may not import datasets (datasets/index.ts)',
    ])
  })

  it('reports a way in beside the index', () => {
    const broken = {
      'server/app.ts': "import { draw } from '../engine/draw.ts'",
      'server/routes/experiments.ts': "import { replay } from '../../eval/index.ts'",
    }
    assert.deepEqual(forbiddenCrossings(madeUp(broken)), [
      'server/app.ts:1: import engine/index.ts, not engine/draw.ts',
      'server/routes/experiments.ts:1: import eval/experiments/index.ts or eval/gate/index.ts, not eval/index.ts',
    ])
  })

  it('reports a value where only types may pass, also when the braces hold nothing but types', () => {
    const broken = {
      'adapters/index.ts': "import { HEADS } from '../engine/index.ts'",
      'datasets/types.ts': "import { type Arm } from '../engine/index.ts'",
    }
    assert.deepEqual(forbiddenCrossings(madeUp(broken)), [
      'adapters/index.ts:1: adapters may import only types of engine: write `import type`',
      'datasets/types.ts:1: datasets may import only types of engine: write `import type`',
    ])
  })

  it('reports whoever imports cli.ts or a test, and a folder without a place', () => {
    const broken = {
      'eval/run.ts': "import { main } from '../cli.ts'",
      'server/app.ts': "import { sharedPath } from '../test/helpers/shared.ts'",
      'tools/fix.ts': '',
    }
    assert.deepEqual(forbiddenCrossings(madeUp(broken)), [
      'eval/run.ts:1: eval may not import cli.ts (cli.ts)',
      'server/app.ts:1: server may not import test (test/helpers/shared.ts)',
      'tools/fix.ts: no place in the import table for tools',
    ])
  })

  it('lets through what the table allows', () => {
    const sound = {
      'cli.ts': "const { run } = await import('./cli/index.ts')",
      'cli/serve.ts': "const { startServer } = await import('../server/index.ts')",
      'cli/replay.ts': "import { replay } from '../eval/index.ts'",
      'adapters/index.ts':
        "import type { Arm } from '../engine/index.ts'\nexport * from './providers/spec.ts'",
      'eval/index.ts':
        "import { draw } from '../engine/index.ts'\nimport { load } from '../datasets/index.ts'",
      'server/app.ts': "import { welch } from '../eval/experiments/index.ts'",
      'test/integration/app.test.ts': "import { buildApp } from '../../server/app.ts'",
    }
    assert.deepEqual(forbiddenCrossings(madeUp(sound)), [])
  })
})

describe('adapters keep out of each other’s internals', () => {
  it('in the repository', () => {
    assert.deepEqual(adapterTrespasses(modules), [])
  })

  it('reports one adapter reaching into another', () => {
    const broken = {
      'adapters/index.ts': "export * from './clickhouse/store.ts'",
      'adapters/clickhouse/store.ts': "import { http } from '../http.ts'",
      'adapters/providers/openai/request.ts': "import type { Row } from '../../clickhouse/store.ts'",
    }
    assert.deepEqual(adapterTrespasses(madeUp(broken)), [
      'adapters/providers/openai/request.ts:1: adapters/clickhouse/store.ts is internal to adapters/clickhouse',
    ])
  })
})

describe('packages are used where they belong', () => {
  it('in the repository', () => {
    assert.deepEqual(forbiddenPackages(modules), [])
  })

  it('every import can be followed', () => {
    assert.deepEqual(computedImports(modules), [])
  })

  it('package.json declares what is imported, and no more', () => {
    assert.deepEqual(dependencyMismatches(modules, manifest), [])
  })

  it('reports a package or a module of Node outside its folder', () => {
    const broken = {
      'engine/router.ts':
        "import { randomUUID } from 'node:crypto'\nimport { readFile } from 'node:fs/promises'",
      'engine/features.ts': "import gamma from '@stdlib/random-base-gamma'\nimport { z } from 'zod'",
      'eval/report.ts': "import Fastify from 'fastify'",
      'server/app.ts': "import { readFile } from 'fs'\nimport swagger from '@fastify/swagger'",
    }
    assert.deepEqual(forbiddenPackages(madeUp(broken)), [
      'engine/features.ts:2: engine may not import zod',
      'engine/router.ts:2: engine may not import node:fs/promises',
      'eval/report.ts:1: eval may not import fastify',
      'server/app.ts:1: server may not import fs',
    ])
  })

  it('reports an import of a computed name', () => {
    assert.deepEqual(
      computedImports(madeUp({ 'server/plugins.ts': 'export const load = (name) => import(name)' })),
      ['server/plugins.ts:1: import(…) of a computed name'],
    )
  })

  it('reports a dependency that is missing and one that is idle', () => {
    const using = madeUp({ 'server/app.ts': "import Fastify from 'fastify'\nimport 'zod/v4'" })
    assert.deepEqual(dependencyMismatches(using, { dependencies: { fastify: '5.0.0', yaml: '2.0.0' } }), [
      'server/app.ts: zod is not among the dependencies of package.json',
      'package.json: nothing imports the dependency yaml',
    ])
  })
})

describe('the engine is pure', () => {
  it('in the repository', () => {
    assert.deepEqual(engineImpurities(modules), [])
  })

  const impure: Readonly<Record<string, string>> = {
    'Date.now()': 'engine/a.ts:1: Date is a clock',
    'new Date()': 'engine/a.ts:1: Date is a clock',
    'performance.now()': 'engine/a.ts:1: performance is a clock',
    'setTimeout(retry, 10)': 'engine/a.ts:1: setTimeout is a timer',
    'Math.random()': 'engine/a.ts:1: Math is unseeded randomness',
    "Math['random']()": 'engine/a.ts:1: Math is unseeded randomness',
    'const { random } = Math': 'engine/a.ts:1: Math is unseeded randomness',
    'crypto.getRandomValues(bytes)': 'engine/a.ts:1: getRandomValues is unseeded randomness',
    "import { randomUUID } from 'node:crypto'": 'engine/a.ts:1: randomUUID is unseeded randomness',
    'process.env': 'engine/a.ts:1: process is the process or its environment',
    'import.meta.dirname': 'engine/a.ts:1: import is the place of a file',
    "console.warn('odd')": 'engine/a.ts:1: console is a log',
    'fetch(url)': 'engine/a.ts:1: fetch is the network',
    '`${Date.now()}`': 'engine/a.ts:1: Date is a clock',
    '[...process.argv]': 'engine/a.ts:1: process is the process or its environment',
  }
  for (const [code, report] of Object.entries(impure)) {
    it(`reports ${code}`, () => {
      assert.deepEqual(engineImpurities(madeUp({ 'engine/a.ts': code })), [report])
    })
  }

  it('reads past comments, strings, regular expressions and names', () => {
    const pure = [
      '// Date.now() would be a clock',
      "const message = 'console.log'",
      'const pattern = /process\\.env/',
      'const text = `fetch`',
      'arm.process(facts)',
      'const row = { Date: 1, performance: Math.sqrt(2) }',
    ]
    assert.deepEqual(engineImpurities(madeUp({ 'engine/a.ts': pure.join('\n') })), [])
  })

  it('is asked of the engine only', () => {
    assert.deepEqual(engineImpurities(madeUp({ 'server/a.ts': 'Date.now()' })), [])
  })
})

describe('the command line loads what a command needs when it is given', () => {
  it('in the repository', () => {
    assert.deepEqual(eagerLoads(modules, 'cli.ts', 'cli'), [])
  })

  it('reports what every start would load, and by way of whom, but nothing that is loaded later', () => {
    const broken = {
      'cli.ts': "import { keep } from './cli/keep.ts'\nawait import('./cli/index.ts')",
      'cli/keep.ts': "import { join } from 'node:path'",
      'cli/index.ts':
        "import { run } from './run.ts'\nimport { Command } from 'commander'\nconst load = async () => await import('./serve.ts')",
      'cli/run.ts':
        "import type { Clock } from '../server/index.ts'\nimport { ConfigError } from '../server/index.ts'",
      'cli/serve.ts': "import { openStore } from '../adapters/index.ts'",
      'server/index.ts': "import Fastify from 'fastify'",
    }
    assert.deepEqual(eagerLoads(madeUp(broken), 'cli.ts', 'cli'), [
      'cli/run.ts:2: every command would load server/index.ts; import it where it is used',
    ])
  })
})

describe('no import leads back to itself', () => {
  it('in the repository', () => {
    assert.deepEqual(importCycles(modules), [])
  })

  it('reports a cycle once, by its files', () => {
    const broken = {
      'eval/a.ts': "import './b.ts'",
      'eval/b.ts': "import './c.ts'",
      'eval/c.ts': "export { a } from './a.ts'",
      'eval/d.ts': "import './a.ts'",
      'eval/e.ts': "import './e.ts'",
      'eval/f.ts': "import './g.ts'",
      'eval/g.ts': "import type { F } from './f.ts'",
    }
    assert.deepEqual(importCycles(madeUp(broken)), [
      'eval/a.ts → eval/b.ts → eval/c.ts → eval/a.ts',
      'eval/e.ts → eval/e.ts',
    ])
  })
})

describe('no file is dead', () => {
  it('in the repository', () => {
    assert.deepEqual(deadFiles(modules, manifest, GENERATORS), [])
  })

  it('reports a file that only a test or another dead file uses', () => {
    const files = {
      'cli.ts': "import './server/index.ts'",
      'server/index.ts': "new Worker(new URL('./worker.ts', import.meta.url))",
      'server/worker.ts': '',
      'server/tried.ts': '',
      'engine/index.ts': "export type { Arm } from './types.ts'",
      'engine/types.ts': '',
      'eval/orphan.ts': "import './orphans-child.ts'",
      'eval/orphans-child.ts': '',
      'datasets/make.ts': '',
      'test/integration/tried.test.ts': "import '../../server/tried.ts'",
    }
    const exporting = {
      exports: { './engine': { default: './dist/engine/index.js' }, './package.json': './package.json' },
      scripts: { 'datasets:make': 'node datasets/make.ts --all' },
    }
    assert.deepEqual(deadFiles(madeUp(files), exporting, new Map([['datasets/gone.ts', 'a table']])), [
      'eval/orphan.ts: no command, export, script or generator leads to this file',
      'eval/orphans-child.ts: no command, export, script or generator leads to this file',
      'server/tried.ts: no command, export, script or generator leads to this file',
      'datasets/gone.ts: is listed as a generator and does not exist',
    ])
  })
})

describe(`no file is over ${MAX_LINES} lines without a reason`, () => {
  it('in the repository', () => {
    assert.deepEqual(longFiles(tree, LONG_FILES), [])
  })

  it('reports a long file and a reason that has outlived its file', () => {
    const files = { 'eval/long.ts': '\n'.repeat(MAX_LINES + 1), 'eval/just.ts': '\n'.repeat(MAX_LINES) }
    assert.deepEqual(longFiles(treeOf(files), new Map([['eval/just.ts', 'a table']])), [
      `eval/long.ts: ${MAX_LINES + 1} lines, more than ${MAX_LINES}: split it or give the reason`,
      `eval/just.ts: is not over ${MAX_LINES} lines; take its reason out`,
    ])
    assert.deepEqual(
      longFiles(treeOf({ 'eval/long.ts': files['eval/long.ts'] }), new Map([['eval/long.ts', 'a table']])),
      [],
    )
  })
})

describe('a property', () => {
  it('has a seed, so that a run of the tests tells of the change that it is for', () => {
    assert.deepEqual(unseededProperties(tree), [])
  })

  it('without one is reported', () => {
    const property = 'fc.assert' + '(fc.property(fc.nat(), (n) => n >= 0)'
    const files = {
      'test/a.test.ts': `${property})`,
      'test/b.test.ts': `${property}, { seed: 7 })\n${property}, { numRuns: 9 })`,
      'test/c.test.ts': `${property}, { seed: 7 })`,
    }
    assert.deepEqual(unseededProperties(treeOf(files)), [
      'test/a.test.ts: a property has no seed',
      'test/b.test.ts: a property has no seed',
    ])
  })
})

describe('nothing is left behind', () => {
  it('in the repository', () => {
    assert.deepEqual(bannedWords(tree), [])
  })

  it('reports machine paths, registry hosts, unfinished work and checks switched off', () => {
    const files = {
      'README.md': [
        'run',
        `cd ${['', 'root', 'highwayman'].join('/')}`,
        `${['', 'home', 'ann', 'x'].join('/')}`,
      ].join('\n'),
      '.npmrc': `registry=https://${['registry', 'npmjs', 'org'].join('.')}/`,
      'engine/a.ts': `// ${'to'.toUpperCase()}${'do'.toUpperCase()}: later`,
      'server/b.ts': `// ${'@ts-'}${'ignore'}`,
    }
    assert.deepEqual(bannedWords(treeOf(files)), [
      'README.md:2: a path of one machine',
      'README.md:3: a path of one machine',
      '.npmrc:1: the host of a package registry',
      'engine/a.ts:1: unfinished work',
      'server/b.ts:1: a check switched off',
    ])
  })

  it('lets through words that only look alike', () => {
    const files = {
      'server/a.ts': `registry.models.get('auto')\nimport './${'work'}/step.ts'\nconst root = './${'root'}/x'`,
    }
    assert.deepEqual(bannedWords(treeOf(files)), [])
  })
})
