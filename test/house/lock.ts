/**
 * package-lock.json as npm 11 writes it (lockfileVersion 3), and what this repository asks of it beyond npm.
 *
 * A package that ships binaries names one package per platform among its optional dependencies. A registry that does not
 * carry them all leaves gaps in the lock, and `npm ci` refuses a lock with gaps, on every platform. An entry that says
 * for which platform it is closes a gap: elsewhere npm skips it, and there it looks for that exact version.
 */

export interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly [field: string]: unknown
}

export interface Lock {
  readonly lockfileVersion: number
  /** By folder: `''` is the project, `node_modules/a/node_modules/b` an installed package. */
  readonly packages: Readonly<Record<string, LockedPackage>>
  readonly [field: string]: unknown
}

/** A dependency that the lock has no package for. */
export interface Gap {
  readonly parent: string
  readonly name: string
  /** As the parent asks for it: a version or a range. */
  readonly wanted: string
  readonly optional: boolean
}

/** Every dependency without an entry, and every stand-in whose version its parent no longer asks for. */
export function gapsOf(lock: Lock): readonly Gap[] {
  return Object.entries(lock.packages).flatMap(([parent, entry]) =>
    dependenciesOf(entry).flatMap(({ name, wanted, optional }) => {
      const found = resolveIn(lock, parent, name)
      const outdated = found !== undefined && isStandIn(found) && found.version !== wanted
      return found === undefined || outdated ? [{ parent, name, wanted, optional }] : []
    }),
  )
}

/**
 * The lock with a stand-in in each gap that belongs to another platform, and what was filled. Stand-ins that nothing
 * asks for any more go. The rest is untouched; a complete lock comes back equal.
 * @throws {Error} for a gap that is not a platform's package at an exact version: only `npm install` can close it.
 */
export function completeLock(lock: Lock): { readonly lock: Lock; readonly filled: readonly string[] } {
  const gaps = gapsOf(lock)
  const packages = new Map(Object.entries(lock.packages).filter(([path]) => !isOrphan(lock, path)))
  for (const gap of gaps)
    packages.set(`node_modules/${gap.name}`, standInFor(gap, lock.packages[gap.parent]!))
  return {
    lock: {
      ...lock,
      packages: Object.fromEntries([...packages].sort(([a], [b]) => a.localeCompare(b, 'en'))),
    },
    filled: gaps.map(({ name, wanted }) => `${name}@${wanted}`),
  }
}

/** An entry made by {@link completeLock}: for one platform, and without the hash that only the registry could give. */
export function isStandIn(entry: LockedPackage): boolean {
  return entry.integrity === undefined && entry.optional === true && entry.os !== undefined
}

function isOrphan(lock: Lock, path: string): boolean {
  if (path === '' || !isStandIn(lock.packages[path]!)) return false
  const name = path.slice('node_modules/'.length)
  return !Object.values(lock.packages).some((entry) =>
    dependenciesOf(entry).some((wish) => wish.name === name),
  )
}

function standInFor(gap: Gap, parent: LockedPackage): LockedPackage {
  const platform = platformOf(gap.name)
  if (!gap.optional || platform === undefined || !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(gap.wanted)) {
    throw new Error(
      `${gap.name}@${gap.wanted}, wanted by ${gap.parent || 'package.json'}, is not in the lock and not one platform's package: run npm install`,
    )
  }
  return {
    version: gap.wanted,
    cpu: [platform.cpu],
    ...(parent.dev === true ? { dev: true } : {}),
    ...(platform.libc === undefined ? {} : { libc: [platform.libc] }),
    optional: true,
    os: [platform.os],
  }
}

const PLATFORM =
  /[-/](?<os>aix|android|darwin|freebsd|linux|netbsd|openbsd|sunos|win32)-(?<cpu>arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|x64)(?:-(?<libc>gnu|musl|msvc))?$/

/** The platform that a package's name ends in: `@chdb/lib-linux-arm64-gnu`, `@biomejs/cli-win32-x64`. */
function platformOf(name: string): { os: string; cpu: string; libc: string | undefined } | undefined {
  const { os, cpu, libc } = PLATFORM.exec(name)?.groups ?? {}
  if (os === undefined || cpu === undefined) return undefined
  return { os, cpu, libc: os === 'linux' ? (libc === 'musl' ? 'musl' : 'glibc') : undefined }
}

/** What must be in the lock for a package: all it depends on, but for peers that it calls optional. */
function dependenciesOf(entry: LockedPackage): readonly Omit<Gap, 'parent'>[] {
  const optional = entry.optionalDependencies ?? {}
  const required = {
    ...entry.dependencies,
    ...entry.devDependencies,
    ...Object.fromEntries(
      Object.entries(entry.peerDependencies ?? {}).filter(
        ([name]) => entry.peerDependenciesMeta?.[name]?.optional !== true,
      ),
    ),
  }
  return [
    ...Object.entries(required)
      .filter(([name]) => !(name in optional))
      .map(([name, wanted]) => ({ name, wanted, optional: false })),
    ...Object.entries(optional).map(([name, wanted]) => ({ name, wanted, optional: true })),
  ]
}

/** Node's own search: `node_modules` of the parent's folder, then of each folder above it. */
function resolveIn(lock: Lock, parent: string, name: string): LockedPackage | undefined {
  for (
    let folder = parent;
    ;
    folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))
  ) {
    const found = lock.packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]
    if (found !== undefined || folder === '') return found
  }
}
