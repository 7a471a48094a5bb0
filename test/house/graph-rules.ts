/** What can be asked of the import graph alone: does anything load itself, and does anything use each file? */
import type { Module } from './tree.ts'

/**
 * Cycles of imports that load each other, each told once as `a.ts → b.ts → a.ts`. Type imports are erased and may point
 * back: they cannot make a module run before what it needs.
 */
export function importCycles(modules: readonly Module[]): readonly string[] {
  const byPath = new Map(modules.map((module) => [module.path, module]))
  const done = new Set<string>()
  const trail: string[] = []
  const cycles: string[] = []
  const visit = (path: string) => {
    const seenAt = trail.indexOf(path)
    if (seenAt !== -1) cycles.push([...trail.slice(seenAt), path].join(' → '))
    if (seenAt !== -1 || done.has(path)) return
    trail.push(path)
    for (const { target, typeOnly } of byPath.get(path)?.imports ?? []) {
      if (target !== undefined && !typeOnly) visit(target)
    }
    trail.pop()
    done.add(path)
  }
  for (const { path } of modules) visit(path)
  return cycles
}

/**
 * Imports by which starting `entry` loads files of another folder than `folder`, whatever is asked of it. What the entry
 * itself imports dynamically is loaded at every start too; all else that is imported so waits for its turn.
 */
export function eagerLoads(modules: readonly Module[], entry: string, folder: string): readonly string[] {
  const byPath = new Map(modules.map((module) => [module.path, module]))
  const seen = new Set<string>()
  const found: string[] = []
  const visit = (path: string) => {
    if (seen.has(path)) return
    seen.add(path)
    for (const { target, typeOnly, kind, line } of byPath.get(path)?.imports ?? []) {
      if (target === undefined || !target.endsWith('.ts') || typeOnly) continue
      if (kind !== 'import' && path !== entry) continue
      if (target.startsWith(`${folder}/`)) visit(target)
      else found.push(`${path}:${line}: every command would load ${target}; import it where it is used`)
    }
  }
  visit(entry)
  return found
}

interface Manifest {
  readonly exports?: Readonly<Record<string, string | { readonly default: string }>>
  readonly scripts?: Readonly<Record<string, string>>
}

/**
 * Files of the product that no command, export, script or generator leads to, whether by import or as a worker's
 * `new URL(…)`; and generators that are gone.
 * @param generators files that are run by hand to make what is committed, each with what it makes
 */
export function deadFiles(
  modules: readonly Module[],
  manifest: Manifest,
  generators: ReadonlyMap<string, string>,
): readonly string[] {
  const byPath = new Map(modules.map((module) => [module.path, module]))
  const alive = new Set<string>()
  const visit = (path: string) => {
    if (alive.has(path)) return
    alive.add(path)
    for (const target of targetsOf(byPath.get(path))) visit(target)
  }
  for (const path of [...entryPoints(manifest), ...generators.keys()]) visit(path)
  const dead = modules.filter(({ path, folder }) => folder !== 'test' && !alive.has(path))
  const gone = [...generators.keys()].filter((path) => !byPath.has(path))
  return [
    ...dead.map(({ path }) => `${path}: no command, export, script or generator leads to this file`),
    ...gone.map((path) => `${path}: is listed as a generator and does not exist`),
  ]
}

/** `cli.ts`, the sources of what package.json exports, and every `.ts` file that one of its scripts runs. */
function entryPoints({ exports = {}, scripts = {} }: Manifest): readonly string[] {
  const exported = Object.values(exports)
    .map((entry) => (typeof entry === 'string' ? entry : entry.default))
    .flatMap((file) => /^\.\/dist\/(.+)\.js$/.exec(file)?.[1] ?? [])
    .map((path) => `${path}.ts`)
  const run = Object.values(scripts).flatMap((command) => command.match(/[\w./-]+\.ts\b/g) ?? [])
  return ['cli.ts', ...exported, ...run]
}

function targetsOf(module: Module | undefined): readonly string[] {
  return (module?.imports ?? []).flatMap(({ target }) => target ?? [])
}
