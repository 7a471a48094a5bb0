/**
 * The Open Bandit Dataset's CSV, as the Open Bandit Pipeline reads it: a row for each item that was shown, with the probability the
 * logging policy gave it at its position, and a table of the items beside it.
 *
 * @see Saito et al. 2021, "Open Bandit Dataset and Pipeline", arXiv 2008.07146
 */
import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { badCell, numberIn, required, textIn, truthIn } from '../read/cells.ts'
import { decodeOrTell, type ReadOptions } from '../read/options.ts'
import { openTable, type Table, type TableRow } from '../read/table.ts'
import { DatasetError } from '../types.ts'
import type { BanditAction, LoggedBanditRow } from './row.ts'

/** Named differently over the versions of the data. */
const PROPENSITY = ['propensity_score', 'action_prob', 'pscore'] as const
const AFFINITY = /^user[-_]item_affinity_(\d+)$/
const USER = /^user_feature_/
const ITEM = 'item_id'

export function isOpenBandit(columns: readonly string[]): boolean {
  return (
    [ITEM, 'click', 'position'].every((name) => columns.includes(name)) &&
    propensityColumn(columns) !== undefined
  )
}

/**
 * @param itemContext file with the items' features; default: `item_context_<name>.csv` or `item_context.csv` beside `path`. Without
 * one the items are those that there are affinities to, and have no features.
 * @throws {DatasetError} `dataset_bad_line`, `dataset_unreadable`
 */
export async function* readOpenBandit(
  path: string,
  options: ReadOptions = {},
  itemContext = itemContextBeside(path),
): AsyncGenerator<LoggedBanditRow> {
  const table = await openTable(path, 'csv')
  const columns = table.columns ?? []
  const propensity = propensityColumn(columns)
  if (propensity === undefined || !isOpenBandit(columns)) {
    const wanted = `${ITEM}, position, click and ${PROPENSITY.join(' or ')}`
    throw new DatasetError('dataset_bad_line', `${path}:1: expected the columns ${wanted}`)
  }
  const affinities = columns.flatMap((name) => {
    const item = AFFINITY.exec(name)?.[1]
    return item === undefined ? [] : [[String(Number(item)), name] as const]
  })
  const users = columns.filter((name) => USER.test(name))
  const items =
    itemContext === undefined
      ? affinities.map(([id]): BanditAction => ({ id, features: new Map() }))
      : await readItems(itemContext, options)
  if (items.length === 0) {
    const names = `item_context_${stemOf(path)}.csv or item_context.csv`
    throw new DatasetError(
      'dataset_not_found',
      `${path}: which items there were is not known; put ${names} beside it`,
    )
  }
  const layout = { items, indexOf: new Map(items.map(({ id }, i) => [id, i])), affinities, users, propensity }
  for await (const line of table.rows(options)) {
    const row = decodeOrTell(options, () => rowOf(line, table, layout))
    if (row !== undefined) yield row
  }
}

interface Layout {
  readonly items: readonly BanditAction[]
  readonly indexOf: ReadonlyMap<string, number>
  readonly affinities: readonly (readonly [item: string, column: string])[]
  readonly users: readonly string[]
  readonly propensity: string
}

function rowOf(
  line: TableRow,
  table: Table,
  { items, indexOf, affinities, users, propensity }: Layout,
): LoggedBanditRow {
  const item = required(numberIn(line, ITEM), line, ITEM, 'the number of an item')
  const taken = indexOf.get(String(item))
  if (taken === undefined) throw badCell(line, ITEM, `one of the ${items.length} items`, item)
  const probability = required(numberIn(line, propensity), line, propensity, 'a probability')
  if (!(probability > 0 && probability <= 1))
    throw badCell(line, propensity, 'a probability in (0, 1]', probability)
  const position = required(numberIn(line, 'position'), line, 'position', 'a position')
  if (!Number.isInteger(position) || position < 1)
    throw badCell(line, 'position', 'a position, counted from 1', position)
  const context = new Map<string, string>()
  for (const column of users) {
    const value = textIn(line, column)
    if (value !== undefined) context.set(column, value)
  }
  return {
    id: `${basename(table.path)}:${line.number}`,
    atMs: timeIn(line),
    context,
    actions: withAffinities(line, items, indexOf, affinities),
    taken,
    propensity: probability,
    probabilities: undefined,
    reward: Number(required(truthIn(line, 'click'), line, 'click', '0 or 1')),
    position,
    weight: 1,
    skipLearn: false,
  }
}

/** Most affinities are 0: items without one are shared by all rows. */
function withAffinities(
  line: TableRow,
  items: readonly BanditAction[],
  indexOf: ReadonlyMap<string, number>,
  affinities: Layout['affinities'],
): readonly BanditAction[] {
  let own: BanditAction[] | undefined
  for (const [item, column] of affinities) {
    const affinity = numberIn(line, column)
    const at = indexOf.get(item)
    const action = at === undefined ? undefined : items[at]
    if (affinity === undefined || affinity === 0 || at === undefined || action === undefined) continue
    own ??= [...items]
    own[at] = { id: action.id, features: new Map([...action.features, ['affinity', affinity]]) }
  }
  return own ?? items
}

async function readItems(path: string, options: ReadOptions): Promise<readonly BanditAction[]> {
  const table = await openTable(path, 'csv')
  const names = (table.columns ?? []).filter((name) => name.startsWith('item_feature_'))
  const items: BanditAction[] = []
  for await (const line of table.rows({ signal: options.signal })) {
    const id = String(required(numberIn(line, ITEM), line, ITEM, 'the number of an item'))
    if (items.some((item) => item.id === id)) throw badCell(line, ITEM, 'a number of its own', id)
    const features = new Map<string, number | string>()
    for (const name of names) {
      const text = textIn(line, name)
      if (text === undefined) continue
      // The first feature is a number, the others are hashes.
      const value = /^-?\d+(\.\d+)?(e[-+]?\d+)?$/i.test(text) ? Number(text) : text
      if (value !== 0) features.set(name, value)
    }
    items.push({ id, features })
  }
  return items
}

/** Written as `2019-11-24 00:03:13.442536+00:00`. */
function timeIn(line: TableRow): number | undefined {
  const text = textIn(line, 'timestamp')
  if (text === undefined) return undefined
  const ms = Date.parse(text.replace(' ', 'T'))
  if (Number.isNaN(ms)) throw badCell(line, 'timestamp', 'a time', text)
  return ms
}

function propensityColumn(columns: readonly string[]): string | undefined {
  return PROPENSITY.find((name) => columns.includes(name))
}

function itemContextBeside(path: string): string | undefined {
  return [`item_context_${stemOf(path)}.csv`, 'item_context.csv']
    .map((name) => join(dirname(path), name))
    .find((file) => existsSync(file))
}

function stemOf(path: string): string {
  return basename(path).replace(/\.csv(\.gz)?$/, '')
}
