/** Which columns of a table a mapping names, and whether they are there. */
import type { Table } from '../read/table.ts'
import { DatasetError } from '../types.ts'
import { columnEntries, type Mapping, type OutcomeColumns } from './mapping.ts'

/** The arms of a wide table, each with its columns. */
export function wideArms(mapping: Mapping, table: Table): readonly (readonly [string, OutcomeColumns])[] {
  if (mapping.arms !== undefined) return Object.entries(mapping.arms)
  const pattern = mapping.arm_columns as OutcomeColumns
  const taken = namedColumns(mapping).map(([, column]) => column)
  const columns = (table.columns ?? []).filter((name) => !taken.includes(name))
  return armNames(pattern.quality, columns).flatMap((arm) => {
    const named = columnEntries(pattern).map(([field, text]) => [field, text.replace('{arm}', () => arm)])
    const ofArm = Object.fromEntries(named) as OutcomeColumns
    // A pattern as wide as `{arm}` fits any column; an arm is what has all of its columns.
    return columnEntries(ofArm).every(([, column]) => columns.includes(column)) ? [[arm, ofArm] as const] : []
  })
}

function armNames(pattern: string, columns: readonly string[]): readonly string[] {
  const [before = '', after = ''] = pattern.split('{arm}')
  return columns
    .filter(
      (name) => name.length > before.length + after.length && name.startsWith(before) && name.endsWith(after),
    )
    .map((name) => name.slice(before.length, name.length - after.length))
}

/** Every column that the mapping names, with the field that names it. */
function namedColumns(mapping: Mapping): readonly (readonly [field: string, column: string])[] {
  const { arms = {}, outcome } = mapping
  const plain = (
    ['prompt_id', 'prompt', 'split', 'task', 'category', 'contaminated', 'arm'] as const
  ).flatMap((field) => (typeof mapping[field] === 'string' ? [[field, mapping[field]] as const] : []))
  const ofArms = Object.entries(arms).flatMap(([arm, columns]) =>
    columnEntries(columns).map(([field, column]) => [`arms.${arm}.${field}`, column] as const),
  )
  const ofOutcome = (outcome === undefined ? [] : columnEntries(outcome)).map(
    ([field, column]) => [`outcome.${field}`, column] as const,
  )
  return [...plain, ...ofArms, ...ofOutcome]
}

/** For files that know their columns; undefined reads them all. */
export function wantedColumns(mapping: Mapping, table: Table): readonly string[] | undefined {
  if (table.columns === undefined) return undefined
  const ofArms =
    mapping.arm_columns === undefined
      ? []
      : wideArms(mapping, table).flatMap(([, columns]) => columnEntries(columns).map(([, column]) => column))
  return [...new Set([...namedColumns(mapping).map(([, column]) => column), ...ofArms])]
}

/** @throws {DatasetError} `dataset_bad_mapping` naming field and column */
export function checkColumns(path: string, mapping: Mapping, table: Table): void {
  const { columns } = table
  const bad = (field: string, what: string): DatasetError =>
    new DatasetError('dataset_bad_mapping', `${path} ${field}: ${what}`)
  if (columns === undefined) {
    if (mapping.arm_columns === undefined) return
    throw bad('arm_columns', `${table.path} has no header to find arms in; name them under arms`)
  }
  for (const [field, column] of namedColumns(mapping)) {
    if (columns.includes(column)) continue
    const has = columns.slice(0, 20).join(', ') + (columns.length > 20 ? ', …' : '')
    throw bad(field, `${table.path} has no column ${JSON.stringify(column)}; it has ${has}`)
  }
  if (mapping.arm_columns !== undefined && wideArms(mapping, table).length === 0) {
    throw bad('arm_columns', `no arm of ${table.path} has all of these columns; it has ${columns.join(', ')}`)
  }
}
