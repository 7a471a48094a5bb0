/** Who may import whom: the table of CONTRIBUTING.md, as data, and the checks that read it. */
import type { Module } from './tree.ts'

/** The one file of a folder that another folder may import, and whether only its types. */
interface Door {
  readonly through: string
  readonly typesOnly?: true
}

const engine: Door = { through: 'engine/index.ts' }
const engineTypes: Door = { through: 'engine/index.ts', typesOnly: true }
const adapters: Door = { through: 'adapters/index.ts' }
/** HTTP client and tokenizer: what nobody but a server needs. */
const serving: Door = { through: 'adapters/serving.ts' }
const datasets: Door = { through: 'datasets/index.ts' }
const evaluation: Door = { through: 'eval/index.ts' }
const server: Door = { through: 'server/index.ts' }
/** Commands that need the configuration and no server do without all that a server loads. */
const configuration: Door = { through: 'server/config/index.ts' }
/** Commands with files of their own: part of the composition root. */
const commands: Door = { through: 'cli/index.ts' }
/** What has to be loaded before them. */
const compileCache: Door = { through: 'cli/compile-cache.ts' }
/** The server shows running experiments: of `eval` it may use their statistics, the gate below, and nothing else. */
const experimentStatistics: Door = { through: 'eval/experiments/index.ts' }
/** A promotion that is asked of the server has to pass the same gate as one on the command line. */
const promotionGate: Door = { through: 'eval/gate/index.ts' }

/** From each place, the doors to the others. `cli/` composes the program; nothing but it and the tests may import `server`. */
const DOORS: ReadonlyMap<string, readonly Door[]> = new Map([
  ['engine', []],
  ['adapters', [engineTypes]],
  ['datasets', [engineTypes]],
  ['eval', [engine, datasets]],
  ['server', [engine, adapters, serving, experimentStatistics, promotionGate]],
  ['cli', [engine, adapters, datasets, evaluation, promotionGate, server, configuration]],
  ['cli.ts', [commands, compileCache]],
])

/** Packages that each place may use; `@scope/*` stands for all of a scope. Node's own modules: see {@link NODE_MODULES}. */
const PACKAGES: ReadonlyMap<string, readonly string[]> = new Map([
  ['engine', ['ml-matrix', 'pure-rand', '@stdlib/*']],
  ['adapters', ['@clickhouse/client', 'chdb', 'eventsource-parser', 'tiktoken', 'undici']],
  ['datasets', ['csv-parse', 'hyparquet', 'hyparquet-writer', 'undici', 'yaml', 'zod']],
  ['eval', ['cli-table3', 'ml-matrix', 'pure-rand', '@stdlib/*']],
  ['server', '@fastify/* ajv fastify fastify-type-provider-zod prom-client re2js uuid yaml zod'.split(' ')],
  ['cli', ['cli-progress', 'commander']],
])

/** Places that may not use all of Node. The engine hashes, and that is all it asks of the machine. */
const NODE_MODULES: ReadonlyMap<string, readonly string[]> = new Map([['engine', ['node:crypto']]])

/** Imports between folders that the table does not allow, and files outside every known folder. */
export function forbiddenCrossings(modules: readonly Module[]): readonly string[] {
  return modules.filter(isProduct).flatMap((module) => {
    const doors = DOORS.get(module.folder)
    if (doors === undefined) return [`${module.path}: no place in the import table for ${module.folder}`]
    return module.imports.flatMap(({ target, typeOnly, line }) => {
      if (target === undefined || !target.endsWith('.ts')) return []
      const folder = target.split('/', 1)[0]!
      if (folder === module.folder && folder !== 'cli.ts') return []
      const open = doors.filter((door) => door.through.startsWith(`${folder}/`))
      const where = `${module.path}:${line}`
      if (open.length === 0) return [`${where}: ${module.folder} may not import ${folder} (${target})`]
      const door = open.find(({ through }) => through === target)
      if (door === undefined) {
        return [`${where}: import ${open.map(({ through }) => through).join(' or ')}, not ${target}`]
      }
      if (door.typesOnly === true && !typeOnly) {
        return [`${where}: ${module.folder} may import only types of ${folder}: write \`import type\``]
      }
      return []
    })
  })
}

/** Imports from one adapter into another's internals; they meet in `adapters/*.ts` only. */
export function adapterTrespasses(modules: readonly Module[]): readonly string[] {
  return modules
    .filter(({ path }) => adapterOf(path) !== undefined)
    .flatMap((module) =>
      module.imports
        .filter(({ target }) => target !== undefined && adapterOf(target) !== undefined)
        .filter(({ target }) => adapterOf(target!) !== adapterOf(module.path))
        .map(({ target, line }) => `${module.path}:${line}: ${target} is internal to ${adapterOf(target!)}`),
    )
}

/** Packages and Node modules used where they may not be. */
export function forbiddenPackages(modules: readonly Module[]): readonly string[] {
  return modules.filter(isProduct).flatMap((module) =>
    module.imports.flatMap(({ specifier, target, line }) => {
      if (specifier === undefined || target !== undefined) return []
      const allowed = specifier.startsWith('node:')
        ? (NODE_MODULES.get(module.folder) ?? [specifier])
        : (PACKAGES.get(module.folder) ?? [])
      const name = specifier.startsWith('node:') ? specifier : packageOf(specifier)
      const permitted = allowed.some((entry) => entry === name || entry === `${name.split('/', 1)[0]}/*`)
      return permitted ? [] : [`${module.path}:${line}: ${module.folder} may not import ${name}`]
    }),
  )
}

/** `import(…)` of something computed: no check, and no reader, could follow it. */
export function computedImports(modules: readonly Module[]): readonly string[] {
  return modules
    .filter(isProduct)
    .flatMap((module) =>
      module.imports
        .filter(({ specifier }) => specifier === undefined)
        .map(({ line }) => `${module.path}:${line}: import(…) of a computed name`),
    )
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Packages that the product imports without declaring them, or declares without importing them. */
export function dependencyMismatches(modules: readonly Module[], manifest: Manifest): readonly string[] {
  const declared = new Set(Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies }))
  const imported = new Map<string, string>()
  for (const module of modules.filter(isProduct)) {
    for (const { specifier, target } of module.imports) {
      if (specifier === undefined || target !== undefined || specifier.startsWith('node:')) continue
      imported.set(packageOf(specifier), module.path)
    }
  }
  return [
    ...[...imported]
      .filter(([name]) => !declared.has(name))
      .map(([name, path]) => `${path}: ${name} is not among the dependencies of package.json`),
    ...[...declared]
      .filter((name) => !imported.has(name))
      .map((name) => `package.json: nothing imports the dependency ${name}`),
  ]
}

/** What is run or published: everything but the tests and the scripts that draw the figures of the docs. */
function isProduct({ folder }: Module): boolean {
  return folder !== 'test' && folder !== 'docs'
}

/** `adapters/providers` for a file below it; undefined for the shared files of `adapters/` and everything elsewhere. */
function adapterOf(path: string): string | undefined {
  return /^adapters\/[^/]+(?=\/)/.exec(path)?.[0]
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
