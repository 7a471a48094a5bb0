/** Which format a file or a folder is in, told by names and headers. */
import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { openTable, type Table, tableFormatOf } from '../read/table.ts'
import { DatasetError } from '../types.ts'
import { mapped } from './mapped.ts'
import { isMappingName, readMapping } from './mapping.ts'
import { isMtBench, isRouteLlm, mtBench, routeLlm, routeLlmFolder } from './routellm.ts'
import { isRouterBench, routerBench } from './routerbench.ts'
import { areRowColumns, readRowFile } from './row-files.ts'
import type { RowSource } from './source.ts'

/** In the order in which they are looked for. */
export const ROW_FILES = ['prompts.jsonl.gz', 'prompts.jsonl', 'prompts.parquet'] as const
const MAPPINGS = ['mapping.yaml', 'mapping.yml', 'mapping.json'] as const

/**
 * The source that a path stands for: a folder with rows, a mapping, RouterBench tables or RouteLLM's layout; a table; or a mapping.
 *
 * @throws {DatasetError} `dataset_not_found` saying what was looked for; `dataset_bad_mapping`, `dataset_unreadable`
 */
export async function sourceAt(path: string): Promise<RowSource> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw new DatasetError('dataset_not_found', `no file or folder ${path}`)
  return found.isDirectory() ? await sourceOfFolder(path) : await sourceOfFile(path)
}

async function sourceOfFolder(folder: string): Promise<RowSource> {
  const rows = fileIn(folder, ROW_FILES)
  if (rows !== undefined) return rowsOf(rows, basename(folder))
  const mapping = fileIn(folder, MAPPINGS)
  if (mapping !== undefined) return await mapped(await readMapping(mapping), [], basename(folder))
  const benchmarks = await routeLlmFolder(folder)
  if (benchmarks !== undefined) return benchmarks
  const tables = await routerBenchIn(folder)
  if (tables.length > 0) return routerBench(tables, basename(folder))
  throw new DatasetError(
    'dataset_not_found',
    `${folder} holds no ${ROW_FILES.slice(0, -1).join(', ')} or ${ROW_FILES.at(-1)}, no ${MAPPINGS[0]}, and no tables of RouterBench or RouteLLM`,
  )
}

async function sourceOfFile(path: string): Promise<RowSource> {
  const stem = stemOf(path)
  if (isMappingName(path)) return await mapped(await readMapping(path), [], stem)
  // A mapping beside the table is meant: it goes before what the columns look like.
  const beside = fileIn(
    dirname(path),
    MAPPINGS.map((name) => `${stem}.${name}`),
  )
  if (beside !== undefined) return await mapped(await readMapping(beside), [path], stem)
  if (/\.(pkl|pickle)$/.test(path)) {
    throw new DatasetError(
      'dataset_unreadable',
      `${path}: a pickle is a program, and is not opened here; where you trust who made it: python -c "import pandas; pandas.read_pickle('${basename(path)}').to_parquet('${stemOf(path)}.parquet')"`,
    )
  }
  const format = tableFormatOf(path)
  if (format === 'jsonl') return isMtBench(path) ? mtBench(path) : rowsOf(path, stem)
  const table = await openTable(path, format)
  const columns = table.columns ?? []
  if (areRowColumns(columns)) return rowsOf(path, stem)
  if (isRouterBench(columns)) return routerBench([table], stem)
  if (isRouteLlm(path, columns)) return routeLlm(table)
  throw new DatasetError(
    'dataset_bad_mapping',
    `${path}: its columns are none that are known; say what they are in ${stem}.${MAPPINGS[0]} beside it (docs/datasets.md has examples)`,
  )
}

function rowsOf(file: string, name: string): RowSource {
  return { name, format: 'rows', files: [file], rows: (options) => readRowFile(file, options) }
}

async function routerBenchIn(folder: string): Promise<readonly Table[]> {
  const tables: Table[] = []
  for (const file of (await readdir(folder)).sort()) {
    const format = tableFormatOf(file)
    if (format !== 'csv' && format !== 'parquet') continue
    const table = await openTable(join(folder, file), format)
    if (isRouterBench(table.columns ?? [])) tables.push(table)
  }
  return tables
}

function stemOf(path: string): string {
  return basename(path).replace(
    /(\.mapping)?\.(csv|tsv|jsonl|ndjson|parquet|pkl|pickle|ya?ml|json)(\.gz)?$/,
    '',
  )
}

function fileIn(folder: string, names: readonly string[]): string | undefined {
  return names.map((name) => join(folder, name)).find((file) => existsSync(file))
}
