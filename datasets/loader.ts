/** Opens a set by name or path, in whichever format. The formats are described in docs/datasets.md. */
import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { Fingerprints } from './fingerprints.ts'
import { ROW_FILES, sourceAt } from './formats/detect.ts'
import type { RowSource } from './formats/source.ts'
import { readModels } from './models.ts'
import { priced } from './priced.ts'
import { decodeOrTell, type ReadOptions } from './read/options.ts'
import { type Dataset, DatasetError, type PromptRow } from './types.ts'

const BUNDLED_ROOT = import.meta.dirname

/** Names of the sets that come with the package, sorted. */
export async function listBundledDatasets(): Promise<readonly string[]> {
  const entries = await readdir(BUNDLED_ROOT, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory() && holdsRows(join(BUNDLED_ROOT, entry.name)))
    .map((entry) => entry.name)
    .sort()
}

/** Where a bundled set lies. */
export function bundledFolder(name: string): string {
  return join(BUNDLED_ROOT, name)
}

/**
 * Opens a bundled set by name, or a file or folder in any full-information format, with a `models.json` beside the rows if there is
 * one, by which outcomes without a cost get one. A bundled name wins over a folder of that name in the working directory: write `./name` for the folder.
 *
 * @throws {DatasetError} `dataset_not_found`, `dataset_bad_mapping`, `dataset_bad_models`, `dataset_unreadable`; iterating
 * `rows()` throws `dataset_bad_line`, `dataset_unreadable`, and `dataset_empty` when there is no row
 */
export async function openDataset(nameOrPath: string): Promise<Dataset> {
  const bundled = await listBundledDatasets()
  const path = bundled.includes(nameOrPath) ? bundledFolder(nameOrPath) : resolve(nameOrPath)
  const source = await sourceAt(path).catch((error: unknown) => {
    if (!(error instanceof DatasetError) || error.code !== 'dataset_not_found') throw error
    const hint = `give a folder with ${ROW_FILES.join(' or ')}, a table with its mapping, or a bundled name: ${bundled.join(', ')}`
    throw new DatasetError('dataset_not_found', `dataset '${nameOrPath}': ${error.message}; ${hint}`)
  })
  const isFolder = (await stat(path)).isDirectory()
  const folder = isFolder ? path : dirname(path)
  const models = await readModels(join(folder, 'models.json'))
  return {
    name: isFolder && source.format === 'rows' ? basename(path) : source.name,
    folder,
    models,
    origin: { format: source.format, files: source.files, licence: source.licence },
    rows: (options = {}) => readRows(source, models, options),
  }
}

async function* readRows(
  source: RowSource,
  models: Dataset['models'],
  options: ReadOptions,
): AsyncGenerator<PromptRow> {
  const lineOfId = new Fingerprints()
  for await (const { row, where, number } of source.rows(options)) {
    const isNew = decodeOrTell(options, () => {
      const earlier = lineOfId.add(row.promptId, number)
      if (earlier === undefined) return true
      const id = JSON.stringify(row.promptId)
      throw new DatasetError(
        'dataset_bad_line',
        `${where} prompt_id: expected an id of its own, got ${id} of line ${earlier}`,
      )
    })
    if (isNew === true) yield models.size === 0 ? row : priced(row, models)
  }
  if (lineOfId.size === 0) {
    throw new DatasetError(
      'dataset_empty',
      `${source.files.join(', ')}: no rows; each is one prompt with its outcomes`,
    )
  }
}

function holdsRows(folder: string): boolean {
  return ROW_FILES.some((name) => existsSync(join(folder, name)))
}
