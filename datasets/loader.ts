/** Opens a dataset by name or folder. The row format is described in README.md beside this file. */
import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { readLines } from './lines.ts'
import { readModels } from './models.ts'
import { parseRow } from './row.ts'
import { type Dataset, DatasetError, type PromptRow } from './types.ts'

const BUNDLED_ROOT = import.meta.dirname
const PROMPT_FILES = ['prompts.jsonl.gz', 'prompts.jsonl'] as const
/** Long enough for a prompt that fills the largest context windows, short enough to refuse a file that is not ours. */
const MAX_LINE_BYTES = 16 * 1024 * 1024

/** Names of the sets that come with the package, sorted. */
export async function listBundledDatasets(): Promise<readonly string[]> {
  const entries = await readdir(BUNDLED_ROOT, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory() && promptFileOf(join(BUNDLED_ROOT, entry.name)) !== undefined)
    .map((entry) => entry.name)
    .sort()
}

/**
 * Opens a bundled set by name, or a folder that holds `prompts.jsonl.gz` or `prompts.jsonl` and, if it likes, a
 * `models.json`. A bundled name wins over a folder of that name in the working directory: write `./name` for the folder.
 *
 * @throws {DatasetError} `dataset_not_found`, `dataset_bad_models`, `dataset_unreadable`; iterating `rows()` throws
 * `dataset_bad_line`, `dataset_unreadable`, and `dataset_empty` when the file has no row
 */
export async function openDataset(nameOrFolder: string): Promise<Dataset> {
  const bundled = await listBundledDatasets()
  const folder = bundled.includes(nameOrFolder) ? join(BUNDLED_ROOT, nameOrFolder) : resolve(nameOrFolder)
  const promptFile = promptFileOf(folder)
  if (promptFile === undefined) {
    const found = (await isFolder(folder))
      ? `${folder} holds no ${PROMPT_FILES.join(' or ')}`
      : `no folder ${folder}`
    throw new DatasetError(
      'dataset_not_found',
      `dataset '${nameOrFolder}': ${found}; give a folder with ${PROMPT_FILES.join(' or ')}, or a bundled name: ${bundled.join(', ')}`,
    )
  }
  return {
    name: basename(folder),
    folder,
    models: await readModels(join(folder, 'models.json')),
    rows: () => readRows(promptFile),
  }
}

async function* readRows(file: string): AsyncGenerator<PromptRow> {
  const lineOfId = new Map<string, number>()
  for await (const line of readLines(file, MAX_LINE_BYTES)) {
    if (line.text.trim() === '') continue
    const where = `${file}:${line.number}`
    const row = parseRow(line.text, where)
    const earlier = lineOfId.get(row.promptId)
    if (earlier !== undefined) {
      const id = JSON.stringify(row.promptId)
      throw new DatasetError(
        'dataset_bad_line',
        `${where} prompt_id: expected an id of its own, got ${id} of line ${earlier}`,
      )
    }
    lineOfId.set(row.promptId, line.number)
    yield row
  }
  if (lineOfId.size === 0) {
    throw new DatasetError(
      'dataset_empty',
      `${file}: no rows; each line is one prompt as JSON with its outcomes`,
    )
  }
}

function promptFileOf(folder: string): string | undefined {
  return PROMPT_FILES.map((name) => join(folder, name)).find((path) => existsSync(path))
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() ?? false
}
