/** Tables of one's own, by a mapping: wide, with the arms in columns, or long, with a line for each prompt and arm. */
import { decodeOrTell, type ReadOptions } from '../read/options.ts'
import { openTable, type Table } from '../read/table.ts'
import { type ArmOutcome, DatasetError } from '../types.ts'
import { longRows } from './long-form.ts'
import { outcomeIn, promptIn } from './mapped-row.ts'
import type { Mapping, MappingFile } from './mapping.ts'
import { checkColumns, wantedColumns, wideArms } from './mapping-columns.ts'
import type { LocatedRow, RowSource } from './source.ts'

/** @param files that the mapping is for, where it names none @throws {DatasetError} `dataset_bad_mapping`, `dataset_unreadable` */
export async function mapped(
  { path, mapping, files: named }: MappingFile,
  files: readonly string[],
  defaultName: string,
): Promise<RowSource> {
  const wanted = named.length > 0 ? named : files
  if (wanted.length === 0) {
    throw new DatasetError('dataset_bad_mapping', `${path} files: expected the table that the mapping is of`)
  }
  const name = mapping.name ?? defaultName
  const tables: Table[] = []
  for (const file of wanted) {
    const table = await openTable(file, mapping.format)
    checkColumns(path, mapping, table)
    tables.push(table)
  }
  return {
    name,
    format: 'mapped',
    files: wanted,
    licence: mapping.licence,
    async *rows(options) {
      for (const table of tables) {
        if (mapping.outcome === undefined) yield* wideRows(table, mapping, name, options)
        else yield* longRows(table, mapping, name, options)
      }
    },
  }
}

async function* wideRows(
  table: Table,
  mapping: Mapping,
  set: string,
  options: ReadOptions,
): AsyncGenerator<LocatedRow> {
  const arms = wideArms(mapping, table)
  for await (const line of table.rows(options, wantedColumns(mapping, table))) {
    const row = decodeOrTell(options, () => {
      const outcomes = new Map<string, ArmOutcome>()
      for (const [arm, columns] of arms) {
        const outcome = outcomeIn(line, columns, mapping)
        if (outcome !== undefined) outcomes.set(arm, outcome)
      }
      if (outcomes.size === 0)
        throw new DatasetError('dataset_bad_line', `${line.where}: expected the quality of at least one arm`)
      return promptIn(line, table, mapping, set, outcomes)
    })
    if (row !== undefined) yield { row, where: line.where, number: line.number }
  }
}
