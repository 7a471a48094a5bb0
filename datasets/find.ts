/** The sets that there are: those of the package, and those in folders. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { readArrivals } from './arrivals.ts'
import { readBanditFile } from './bandit/files.ts'
import { type DatasetKind, type Found, findAt } from './kinds.ts'
import { readLatencyFile } from './latency-set.ts'
import { licenceIn } from './licence.ts'
import { bundledFolder, listBundledDatasets, openDataset } from './loader.ts'
import { DatasetError } from './types.ts'

/** Bundled sets are written for the package, and under its licence. */
const BUNDLED_LICENCE = 'Apache-2.0'

export interface ListedDataset {
  readonly name: string
  /** What `--dataset` takes: the name of a bundled set, else a path. */
  readonly path: string
  readonly kind: DatasetKind
  readonly format: string | undefined
  readonly bundled: boolean
  readonly rows: number
  /** Arms of outcomes, actions of a log, deployments that were measured. */
  readonly arms: number
  readonly licence: string | undefined
  /** What is wrong with it, where it cannot be read. */
  readonly problem: string | undefined
}

/**
 * Bundled sets, and what is in `folders`: each folder in them that is a set, or its files that are. Reads every row.
 *
 * @throws {DatasetError} `dataset_not_found` for a folder that is not there
 */
export async function* listDatasets(
  folders: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<ListedDataset> {
  for (const name of await listBundledDatasets()) {
    yield await listed({ path: bundledFolder(name), kind: 'outcomes' }, name, name, signal)
  }
  for (const folder of folders) {
    for (const path of await candidates(resolve(folder))) {
      for (const found of await findAt(path).catch(nothing)) {
        const name = relative(dirname(path), found.path)
        yield await listed(found, name, undefined, signal)
      }
    }
  }
}

function nothing(error: unknown): readonly Found[] {
  if (error instanceof DatasetError) return []
  throw error
}

/** The folder itself where it is a set, else what is in it. */
async function candidates(folder: string): Promise<readonly string[]> {
  const found = await stat(folder).catch(() => undefined)
  if (found === undefined) throw new DatasetError('dataset_not_found', `no folder ${folder}`)
  const itself = await findAt(folder).catch(nothing)
  if (itself.some(({ path }) => path === folder)) return [folder]
  return (await readdir(folder))
    .filter((name) => !name.startsWith('.'))
    .sort()
    .map((name) => join(folder, name))
}

async function listed(
  found: Found,
  name: string,
  bundled: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ListedDataset> {
  const counted = await countOf(found, signal).catch((error: unknown) => {
    if (error instanceof DatasetError) return { rows: 0, arms: 0, problem: error.message }
    throw error
  })
  return {
    name,
    path: bundled ?? found.path,
    kind: found.kind,
    format: found.format,
    bundled: bundled !== undefined,
    licence: await licenceOf(found),
    problem: undefined,
    ...counted,
  }
}

interface Counted {
  readonly rows: number
  readonly arms: number
  readonly format?: string | undefined
  readonly problem?: string
}

async function countOf(found: Found, signal: AbortSignal | undefined): Promise<Counted> {
  const names = new Set<string>()
  let rows = 0
  if (found.kind === 'outcomes') {
    const dataset = await openDataset(found.path)
    for await (const { outcomes } of dataset.rows({ signal })) {
      rows += 1
      for (const arm of outcomes.keys()) names.add(arm)
    }
    return { rows, arms: names.size, format: dataset.origin?.format }
  }
  if (found.kind === 'log') {
    for await (const { actions } of readBanditFile(found.path, found.format, { signal })) {
      rows += 1
      for (const { id } of actions) names.add(id)
    }
  } else if (found.kind === 'latency') {
    for await (const { deployment } of readLatencyFile(found.path, { signal })) {
      rows += 1
      names.add(deployment)
    }
  } else for await (const _ of readArrivals(found.path, { signal })) rows += 1
  return { rows, arms: names.size }
}

/** What the set itself tells, else what the README of its folder says; the published package leaves READMEs out. */
export async function licenceOf(found: Found): Promise<string | undefined> {
  if ((await listBundledDatasets()).some((name) => bundledFolder(name) === found.path)) return BUNDLED_LICENCE
  if (found.kind === 'outcomes') {
    const told = await openDataset(found.path).then(
      (dataset) => dataset.origin?.licence,
      () => undefined,
    )
    if (told !== undefined) return told
  }
  const isFolder = (await stat(found.path)).isDirectory()
  const readme = join(isFolder ? found.path : dirname(found.path), 'README.md')
  const text = await readFile(readme, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : licenceIn(text)
}
