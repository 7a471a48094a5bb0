/**
 * What of a Parquet file is checked before its values are decoded. The library takes a file at its word: a page header without its
 * length sends it round for ever, a row count of a billion makes as many rows, and a column that the schema lacks is an error while
 * others are still being read, whose own errors then nobody handles, which ends the process. Most of this is said twice in a file, and
 * here it has to agree (https://parquet.apache.org/docs/file-format/, parquet.thrift).
 */
import type { AsyncBuffer, ColumnMetaData, FileMetaData, PageHeader, RowGroup, SchemaTree } from 'hyparquet'

interface Leaf {
  readonly path: string
  readonly repeats: boolean
}

/**
 * That each row group has each column of the schema once, in the schema's order, with as many values as the group has rows, or more
 * where values repeat.
 *
 * @throws {Error} that names the row group and the column
 */
export function checkRowGroups(metadata: FileMetaData, schema: SchemaTree): void {
  const leaves = [...leavesOf(schema)]
  for (const [index, { columns, num_rows: rows }] of metadata.row_groups.entries()) {
    const place = `row group ${index}`
    if (!isCount(rows)) throw new Error(`${place} has ${rows} rows`)
    if (columns.length !== leaves.length)
      throw new Error(`${place} has ${columns.length} columns instead of ${leaves.length}`)
    for (const [k, { path, repeats }] of leaves.entries()) {
      const chunk = columns[k]?.meta_data
      const named = chunk?.path_in_schema.join('.')
      if (chunk === undefined || named !== path)
        throw new Error(`${place} has the column ${named} instead of ${path}`)
      const { num_values: values } = chunk
      if (!isCount(values) || (repeats ? values < rows : values !== rows))
        throw new Error(`${place} has ${rows} rows, and ${values} values of ${path}`)
    }
  }
}

/**
 * That the pages of a row group's columns follow each other from the first byte of the column to its last, with the values that the
 * group says.
 *
 * @param columns names of top-level columns; default: all
 * @throws {Error} that names the column
 */
export async function checkPages(
  file: AsyncBuffer,
  group: RowGroup,
  columns: readonly string[] | undefined,
): Promise<void> {
  const { parquetHeader } = await import('hyparquet/src/column.js')
  for (const chunk of chunksOf(group, columns)) {
    const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset)
    const end = start + Number(chunk.total_compressed_size)
    const name = chunk.path_in_schema.join('.')
    if (!(start >= 0 && start <= end && end <= file.byteLength))
      throw new Error(`the column ${name} is to be in the bytes ${start} to ${end} of ${file.byteLength}`)
    const reader = { view: new DataView(await file.slice(start, end)), offset: 0 }
    let values = 0
    while (reader.offset < reader.view.byteLength) {
      const page = parquetHeader(reader)
      const left = reader.view.byteLength - reader.offset
      if (!isSoundHeader(page, left, Number(chunk.total_uncompressed_size)))
        throw new Error(`the column ${name} has a damaged page header`)
      values += valuesOf(page)
      reader.offset += page.compressed_page_size
    }
    if (BigInt(values) !== chunk.num_values)
      throw new Error(`the pages of the column ${name} have ${values} values instead of ${chunk.num_values}`)
  }
}

/**
 * What a row group has of these columns.
 *
 * @param columns names of top-level columns; default: all
 */
export function* chunksOf(
  { columns: chunks }: RowGroup,
  columns: readonly string[] | undefined,
): Generator<ColumnMetaData> {
  for (const { meta_data: chunk } of chunks) {
    const name = chunk?.path_in_schema[0]
    if (chunk !== undefined && name !== undefined && (columns === undefined || columns.includes(name)))
      yield chunk
  }
}

/**
 * Whether a page of this header can be.
 *
 * @param left bytes of the column after the header
 * @param uncompressed bytes of all its pages
 */
export function isSoundHeader(page: PageHeader, left: number, uncompressed: number): boolean {
  const { compressed_page_size: size, data_page_header_v2: v2, dictionary_page_header: dictionary } = page
  if (!isWithin(size, left) || !isWithin(page.uncompressed_page_size, uncompressed)) return false
  if (v2 !== undefined) {
    const { definition_levels_byte_length: definitions, repetition_levels_byte_length: repetitions } = v2
    return (
      isWithin(v2.num_nulls, v2.num_values) &&
      isWithin(repetitions, size) &&
      isWithin(definitions, size - repetitions)
    )
  }
  // A dictionary is written plainly: a value takes a bit or more.
  if (dictionary !== undefined) return isWithin(dictionary.num_values, 8 * page.uncompressed_page_size)
  return page.data_page_header === undefined || page.data_page_header.num_values >= 0
}

function valuesOf({ data_page_header: v1, data_page_header_v2: v2 }: PageHeader): number {
  return v1?.num_values ?? v2?.num_values ?? 0
}

/** @returns false for what is none of the numbers from 0 to `most`: fields that a damaged header lacks are undefined */
function isWithin(value: number | undefined, most: number): boolean {
  return value !== undefined && value >= 0 && value <= most
}

function isCount(value: bigint): boolean {
  return value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER)
}

function* leavesOf(tree: SchemaTree, repeats = false): Generator<Leaf> {
  const repeated = repeats || tree.element.repetition_type === 'REPEATED'
  for (const child of tree.children) {
    if (child.children.length > 0) yield* leavesOf(child, repeated)
    else
      yield {
        path: child.path.join('.'),
        repeats: repeated || child.element.repetition_type === 'REPEATED',
      }
  }
}
