/** Tables with a line for each prompt and arm. */
import { required, textIn } from '../read/cells.ts'
import { decodeOrTell, type ReadOptions } from '../read/options.ts'
import type { Table, TableRow } from '../read/table.ts'
import { type ArmOutcome, DatasetError, type PromptRow } from '../types.ts'
import { outcomeIn, promptIn } from './mapped-row.ts'
import type { Mapping, OutcomeColumns } from './mapping.ts'
import { wantedColumns } from './mapping-columns.ts'
import type { LocatedRow } from './source.ts'

/** Where lines of one prompt are not together, the whole table is held: up to so many of its outcomes. */
const HELD_OUTCOMES_MAX = 4_000_000

interface Growing extends LocatedRow {
  readonly row: PromptRow & { readonly outcomes: Map<string, ArmOutcome> }
}

/**
 * Rows in the order of their first lines. With `adjacent` in the mapping a prompt ends where the next one begins, and memory is
 * bounded; without, the table is held.
 */
export async function* longRows(
  table: Table,
  mapping: Mapping,
  set: string,
  options: ReadOptions,
): AsyncGenerator<LocatedRow> {
  const open = new Map<string, Growing>()
  let held = 0
  for await (const line of table.rows(options, wantedColumns(mapping, table))) {
    const grown = decodeOrTell(options, () => addLine(open, line, table, mapping, set))
    if (grown === undefined) continue
    held += 1
    if (mapping.adjacent === true && open.size > 1) {
      for (const [id, row] of open) {
        if (row === grown) continue
        open.delete(id)
        if (row.row.outcomes.size > 0) yield row
      }
      held = grown.row.outcomes.size
    }
    if (held > HELD_OUTCOMES_MAX) {
      throw new DatasetError(
        'dataset_bad_mapping',
        `${table.path}: more than ${HELD_OUTCOMES_MAX} outcomes to hold; sort the table by ${mapping.prompt_id} and set adjacent: true`,
      )
    }
  }
  for (const row of open.values()) if (row.row.outcomes.size > 0) yield row
}

function addLine(
  open: Map<string, Growing>,
  line: TableRow,
  table: Table,
  mapping: Mapping,
  set: string,
): Growing {
  const idColumn = mapping.prompt_id as string
  const armColumn = mapping.arm as string
  const id = required(textIn(line, idColumn), line, idColumn, 'an id')
  const arm = required(textIn(line, armColumn), line, armColumn, 'the name of an arm')
  const outcome = outcomeIn(line, mapping.outcome as OutcomeColumns, mapping)
  let growing = open.get(id)
  if (growing === undefined) {
    const outcomes = new Map<string, ArmOutcome>()
    const row = { ...promptIn(line, table, mapping, set, outcomes), outcomes }
    growing = { row, where: line.where, number: line.number }
    open.set(id, growing)
  }
  const { row, where } = growing
  const prompt = textIn(line, mapping.prompt)
  if (prompt !== row.prompt) {
    const what = `expected the prompt of ${where}, which has the same ${idColumn}`
    throw new DatasetError('dataset_bad_line', `${line.where} ${mapping.prompt}: ${what}`)
  }
  if (row.outcomes.has(arm)) {
    const what = `expected one line for each prompt and arm, got a second one of ${JSON.stringify(arm)}`
    throw new DatasetError('dataset_bad_line', `${line.where} ${armColumn}: ${what} on ${JSON.stringify(id)}`)
  }
  if (outcome !== undefined) row.outcomes.set(arm, outcome)
  return growing
}
