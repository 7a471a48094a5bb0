/** Numbers of a Parquet file that contradict each other are refused before anything is decoded by them. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import {
  type FileMetaData,
  type PageHeader,
  parquetMetadata,
  parquetSchema,
  type SchemaElement,
} from 'hyparquet'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { openParquet } from '../../datasets/read/parquet.ts'
import { checkPages, checkRowGroups, isSoundHeader } from '../../datasets/read/parquet-check.ts'
import { DatasetError } from '../../datasets/types.ts'
import { type Folder, temporaryFolder, writeParquetTable } from '../helpers/dataset-files.ts'

const ROWS = Array.from({ length: 12 }, (_, i) => ({ id: `p${i}`, score: i / 12 }))

let folder: Folder
let path: string
let bytes: Buffer
before(async () => {
  folder = await temporaryFolder()
  path = join(await folder.of({}), 't.parquet')
  await writeParquetTable(path, ROWS, 5)
  bytes = await readFile(path)
})
after(() => folder.close())

function metadataOf(): FileMetaData {
  return parquetMetadata(new Uint8Array(bytes))
}

function chunkOf(metadata: FileMetaData, column: number) {
  const chunk = metadata.row_groups[1]?.columns[column]?.meta_data
  assert.ok(chunk)
  return chunk
}

const bufferOf = (content: Buffer) => {
  const whole = new Uint8Array(content).buffer
  return { byteLength: whole.byteLength, slice: (start: number, end?: number) => whole.slice(start, end) }
}

describe('row groups of a Parquet file', () => {
  const refuses = (name: string, change: (metadata: FileMetaData) => void, message: RegExp) =>
    test(name, () => {
      const metadata = metadataOf()
      const schema = parquetSchema(metadata)
      checkRowGroups(metadata, schema)
      change(metadata)
      assert.throws(() => checkRowGroups(metadata, schema), { message })
    })

  const group = (metadata: FileMetaData) => {
    const found = metadata.row_groups[1]
    assert.ok(found)
    return found
  }

  refuses(
    'have the rows of their columns',
    (metadata) => {
      group(metadata).num_rows = 1_000_000_000n
    },
    /^row group 1 has 1000000000 rows, and 5 values of id$/,
  )
  refuses(
    'have no rows less than none',
    (metadata) => {
      group(metadata).num_rows = -1n
    },
    /^row group 1 has -1 rows$/,
  )
  refuses(
    'have each column once',
    (metadata) => {
      chunkOf(metadata, 1).path_in_schema = ['id']
    },
    /^row group 1 has the column id instead of score$/,
  )
  refuses(
    'have all columns',
    (metadata) => {
      group(metadata).columns.pop()
    },
    /^row group 1 has 1 columns instead of 2$/,
  )
})

test('a time that no date can be is an error of the file', async () => {
  const times = join(await folder.of({}), 'times.parquet')
  const schema: SchemaElement[] = [
    { name: 'root', num_children: 1 },
    { name: 'at', type: 'INT64', repetition_type: 'REQUIRED', converted_type: 'TIMESTAMP_MICROS' },
  ]
  const table = parquetWriteBuffer({
    schema,
    columnData: [{ name: 'at', data: [9_000_000_000_000_000_000n] }],
  })
  await writeFile(times, new Uint8Array(table))
  const file = await openParquet(times)
  await assert.rejects(file.rows().next(), {
    code: 'dataset_unreadable',
    message: `${times}: a time is beyond the year 275760; is it a Parquet file, and whole?`,
  })
})

test('a compression that is not read is said, with those that are', async () => {
  const packed = join(await folder.of({}), 'packed.parquet')
  const table = parquetWriteBuffer({
    columnData: [{ name: 'id', data: ['a', 'b'] }],
    codec: 'LZ4_RAW',
    compressors: { LZ4_RAW: (bytes) => bytes },
  })
  await writeFile(packed, new Uint8Array(table))
  const file = await openParquet(packed)
  assert.deepEqual(file.columns, ['id'])
  await assert.rejects(file.rows().next(), {
    code: 'dataset_unreadable',
    message: `${packed}: the column id is compressed with LZ4_RAW, which is not read; write the file with zstd, snappy, gzip, brotli or none`,
  })
})

describe('pages of a Parquet column', () => {
  /** Where the second row group's first column begins: fields 1, 2 and 3 of its page header are the type and the two lengths. */
  function headerOf(): { readonly content: Buffer; readonly at: number } {
    const chunk = chunkOf(metadataOf(), 0)
    const content = Buffer.from(bytes)
    return { content, at: Number(chunk.dictionary_page_offset || chunk.data_page_offset) }
  }

  /** Of a thrift field the byte before its value: the steps from the field before, and the type (5: a whole number). */
  const FIELD = 0x15

  test('have a length: one whose header lost it would be read for ever', async () => {
    const { content, at } = headerOf()
    // Lengths take one byte or two; the third field is the third 0x15 from the start.
    let place = at
    for (let field = 1; field < 3; field++) place = content.indexOf(FIELD, place + 1)
    content[place] = 0x25
    await writeFile(path, content)
    const file = await openParquet(path)
    let rows = 0
    await assert.rejects(
      async () => {
        for await (const _ of file.rows()) rows += 1
      },
      (error: unknown) =>
        error instanceof DatasetError &&
        error.code === 'dataset_unreadable' &&
        error.message ===
          `${path}: the column id has a damaged page header; is it a Parquet file, and whole?`,
    )
    assert.equal(rows, 5, 'of the row group before')
  })

  const size = { compressed_page_size: 40, uncompressed_page_size: 100 }
  const v1 = {
    num_values: 5,
    encoding: 'PLAIN',
    definition_level_encoding: 'RLE',
    repetition_level_encoding: 'RLE',
  } as const
  const v2 = {
    num_values: 5,
    num_nulls: 5,
    num_rows: 5,
    encoding: 'PLAIN',
    definition_levels_byte_length: 30,
    repetition_levels_byte_length: 10,
    is_compressed: true,
  } as const
  const dictionary = { num_values: 800, encoding: 'PLAIN' } as const
  const headers: readonly (readonly [PageHeader, Readonly<Record<string, unknown>>])[] = [
    [{ type: 'DATA_PAGE', ...size, data_page_header: v1 }, { data_page_header: { ...v1, num_values: -1 } }],
    [{ type: 'DATA_PAGE', ...size, data_page_header: v1 }, { compressed_page_size: 41 }],
    [{ type: 'DATA_PAGE', ...size, data_page_header: v1 }, { uncompressed_page_size: 101 }],
    [{ type: 'DATA_PAGE', ...size, data_page_header: v1 }, { uncompressed_page_size: undefined }],
    [
      { type: 'DATA_PAGE_V2', ...size, data_page_header_v2: v2 },
      { data_page_header_v2: { ...v2, num_nulls: 6 } },
    ],
    [
      { type: 'DATA_PAGE_V2', ...size, data_page_header_v2: v2 },
      { data_page_header_v2: { ...v2, num_values: undefined } },
    ],
    [
      { type: 'DATA_PAGE_V2', ...size, data_page_header_v2: v2 },
      { data_page_header_v2: { ...v2, definition_levels_byte_length: 31 } },
    ],
    [
      { type: 'DATA_PAGE_V2', ...size, data_page_header_v2: v2 },
      { data_page_header_v2: { ...v2, repetition_levels_byte_length: -1 } },
    ],
    [
      { type: 'DICTIONARY_PAGE', ...size, dictionary_page_header: dictionary },
      { dictionary_page_header: { ...dictionary, num_values: 801 } },
    ],
  ]
  for (const [sound, damage] of headers) {
    test(`of the type ${sound.type} are not what ${inspect(damage, { breakLength: Number.POSITIVE_INFINITY })} says`, () => {
      assert.ok(isSoundHeader(sound, 40, 100))
      assert.ok(!isSoundHeader({ ...sound, ...damage }, 40, 100))
    })
  }

  test('lie in the file', async () => {
    const metadata = metadataOf()
    chunkOf(metadata, 0).total_compressed_size = BigInt(bytes.length)
    const [, group] = metadata.row_groups
    assert.ok(group)
    await assert.rejects(checkPages(bufferOf(bytes), group, undefined), {
      message: /^the column id is to be in the bytes \d+ to \d+ of \d+$/,
    })
    await checkPages(bufferOf(bytes), group, ['score'])
  })

  test('have the values of their row group', async () => {
    const metadata = metadataOf()
    chunkOf(metadata, 1).num_values = 6n
    const [, group] = metadata.row_groups
    assert.ok(group)
    await assert.rejects(checkPages(bufferOf(bytes), group, undefined), {
      message: 'the pages of the column score have 5 values instead of 6',
    })
  })
})
