/** Files of datasets under test: written to a folder that is gone afterwards, and read back. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileWriter, parquetWriteRows } from 'hyparquet-writer'
import { DatasetError, openDataset, type PromptRow } from '../../datasets/index.ts'

export interface Folder {
  /** Writes files and returns the path of the folder, a new one each time. */
  of(files: Readonly<Record<string, string | Uint8Array>>): Promise<string>
  close(): Promise<void>
}

export async function temporaryFolder(): Promise<Folder> {
  const root = await mkdtemp(join(tmpdir(), 'highwayman-datasets-'))
  return {
    async of(files) {
      const folder = await mkdtemp(join(root, 'set-'))
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true })
        await writeFile(join(folder, name), content)
      }
      return folder
    },
    close: () => rm(root, { recursive: true, force: true }),
  }
}

export async function rowsOf(nameOrPath: string): Promise<readonly PromptRow[]> {
  return await listOf((await openDataset(nameOrPath)).rows())
}

export async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export async function datasetError(promise: Promise<unknown>): Promise<DatasetError> {
  const error = await promise.then(
    () => assert.fail('expected a DatasetError'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof DatasetError, `expected a DatasetError, got ${error}`)
  return error
}

/** A cell of CSV, quoted where it must be. */
export function csv(rows: readonly (readonly unknown[])[]): string {
  const cell = (value: unknown): string => {
    const text = value === undefined || value === null ? '' : String(value)
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return rows.map((row) => `${row.map(cell).join(',')}\n`).join('')
}

/** A Parquet file of rows whose fields are texts, numbers or truths; types are told from the first row. */
export async function writeParquetTable(
  path: string,
  rows: readonly Readonly<Record<string, unknown>>[],
  rowGroupSize = 100,
): Promise<void> {
  const typeOf = (value: unknown) => {
    if (typeof value === 'string') return { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const
    return { type: typeof value === 'boolean' ? 'BOOLEAN' : 'DOUBLE' } as const
  }
  const columns = Object.entries(rows[0] ?? {})
  async function* all() {
    yield* rows
  }
  await parquetWriteRows({
    writer: fileWriter(path),
    rows: all(),
    columns: columns.map(([name]) => ({ name })),
    schema: [
      { name: 'table', num_children: columns.length },
      ...columns.map(([name, value]) => ({ name, repetition_type: 'OPTIONAL' as const, ...typeOf(value) })),
    ],
    rowGroupSize,
  })
}
