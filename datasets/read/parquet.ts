/** Rows of a Parquet file, read a row group at a time, or less where a group is large. */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { AsyncBuffer, Compressors, FileMetaData, RowGroup } from 'hyparquet'
import { DatasetError } from '../types.ts'
import { checkPages, checkRowGroups, chunksOf } from './parquet-check.ts'

/** Of uncompressed pages, held at once. */
const HELD_BYTES = 32 * 1024 * 1024

/** Snappy and uncompressed pages the library reads itself. */
const compressors: Compressors = {
  ZSTD: (input) => zstdDecompressSync(input),
  GZIP: (input) => gunzipSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
}

const CODECS: readonly string[] = ['UNCOMPRESSED', 'SNAPPY', ...Object.keys(compressors)]

export interface ParquetFile {
  /** Names of the top-level columns, in the file's order. */
  readonly columns: readonly string[]
  readonly rowCount: number
  /**
   * Streams the rows as objects, times as text and whole numbers as numbers.
   *
   * @param columns default: all; only these are read from the disk
   */
  rows(columns?: readonly string[], signal?: AbortSignal): AsyncGenerator<Readonly<Record<string, unknown>>>
}

/** @throws {DatasetError} `dataset_unreadable`, and so does reading rows */
export async function openParquet(path: string): Promise<ParquetFile> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetSchema } = await import('hyparquet')
  const { file, metadata } = await readable(path, async () => {
    const opened = await asyncBufferFromFile(path)
    const read = await parquetMetadataAsync(opened)
    checkRowGroups(read, parquetSchema(read))
    return { file: opened, metadata: read }
  })
  return {
    columns: topLevelColumns(metadata),
    rowCount: Number(metadata.num_rows),
    rows: (columns, signal) => readRows(path, file, metadata, columns, signal),
  }
}

async function* readRows(
  path: string,
  file: AsyncBuffer,
  metadata: FileMetaData,
  columns: readonly string[] | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const { parquetReadObjects } = await import('hyparquet')
  const wanted = columns && { columns: [...columns] }
  let groupStart = 0
  for (const group of metadata.row_groups) {
    checkCodecs(path, group, columns)
    await readable(path, () => checkPages(file, group, columns))
    for (const [from, to] of spans(group, columns)) {
      signal?.throwIfAborted()
      const [rowStart, rowEnd] = [groupStart + from, groupStart + to]
      yield* await readable(path, async () => {
        const rows = await parquetReadObjects({ file, metadata, rowStart, rowEnd, compressors, ...wanted })
        return rows.map(plain)
      })
    }
    groupStart += Number(group.num_rows)
  }
}

/** @throws {DatasetError} `dataset_unreadable` */
function checkCodecs(path: string, group: RowGroup, columns: readonly string[] | undefined): void {
  for (const { path_in_schema: names, codec } of chunksOf(group, columns)) {
    if (codec === undefined || CODECS.includes(codec)) continue
    throw new DatasetError(
      'dataset_unreadable',
      `${path}: the column ${names.join('.')} is compressed with ${codec}, which is not read; write the file with zstd, snappy, gzip, brotli or none`,
    )
  }
}

/** A row group, cut into equal parts where its wanted columns are too much to hold. */
function* spans(
  group: RowGroup,
  columns: readonly string[] | undefined,
): Generator<readonly [from: number, to: number]> {
  const rows = Number(group.num_rows)
  let bytes = 0
  for (const chunk of chunksOf(group, columns)) bytes += Number(chunk.total_uncompressed_size)
  const step = Math.max(1, Math.ceil(rows / Math.max(1, Math.ceil(bytes / HELD_BYTES))))
  for (let from = 0; from < rows; from += step) yield [from, Math.min(from + step, rows)] as const
}

function topLevelColumns(metadata: FileMetaData): readonly string[] {
  const names: string[] = []
  let at = 1
  const skip = (): void => {
    const children = metadata.schema[at]?.num_children ?? 0
    at += 1
    for (let k = 0; k < children; k++) skip()
  }
  while (at < metadata.schema.length) {
    names.push(metadata.schema[at]?.name ?? '')
    skip()
  }
  return names
}

async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    if (cause instanceof DatasetError) throw cause
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
      throw new DatasetError('dataset_unreadable', `${path} cannot be read: there is no such file`, { cause })
    }
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw new DatasetError('dataset_unreadable', `${path}: ${problem}; is it a Parquet file, and whole?`, {
      cause,
    })
  }
}

/** Times as text and whole numbers as numbers, as JSON would have them. */
function plain(row: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plainValue(value)]))
}

function plainValue(value: unknown): unknown {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new Error('a time is beyond the year 275760')
    return value.toISOString()
  }
  if (typeof value === 'bigint') return Number(value)
  return value ?? null
}
