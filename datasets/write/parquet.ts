/** Parquet files, a row group at a time. */
import type { SchemaElement } from 'hyparquet'
import { writeWhole } from './whole.ts'

/** A few megabytes of rows. */
const GROUP_ROWS = 2_000

/** How many rows. @throws what `rows` and writing throw; a file that was there is then as it was */
export async function writeParquetRows<T>(
  rows: AsyncIterable<T>,
  path: string,
  schema: SchemaElement[],
  columns: readonly string[],
  encode: (row: T) => Record<string, unknown>,
): Promise<number> {
  const { fileWriter, parquetWriteRows } = await import('hyparquet-writer')
  let count = 0
  async function* records(): AsyncGenerator<Record<string, unknown>> {
    for await (const row of rows) {
      count += 1
      yield encode(row)
    }
  }
  await writeWhole(path, async (part) => {
    await parquetWriteRows({
      writer: fileWriter(part),
      rows: records(),
      columns: columns.map((name) => ({ name })),
      schema,
      rowGroupSize: GROUP_ROWS,
      createdBy: 'highwayman',
    })
  })
  return count
}
