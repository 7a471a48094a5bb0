/**
 * Which request class a row of a data set has. A data set has names of its own; a policy file for a gateway is over the classes
 * of that gateway, and its rows get the label that the gateway would have given them.
 */
import type { PromptRow } from '../datasets/index.ts'
import { describeRequest, type LabelProvenance } from '../engine/index.ts'
import { EvaluationError } from './errors.ts'

const CHARS_PER_TOKEN = 4
const NAMES_SHOWN = 12

/** A field of the data set, or what the engine makes of a prompt whose caller gives no class. */
export type ClassBy = 'category' | 'task' | 'inferred'

export interface ClassOptions {
  /** What a row is called by. @default 'category' */
  readonly classBy?: ClassBy
  /** From what a row is called by to its class. */
  readonly classMap?: Readonly<Record<string, string>>
  /** The classes there are, in this order. @default those of the rows, sorted */
  readonly classes?: readonly string[]
  /**
   * Whether a row that is called by none of `classes`, and is not in `classMap`, has the class that the engine infers from its
   * prompt, like a request whose caller gives none. Else it is an error. @default true
   */
  readonly inferOthers?: boolean
}

/** How many rows have their class by which rule. */
export type LabelCounts = LabelProvenance['rows']

export interface ClassLabels {
  readonly classes: readonly string[]
  /** Of each row that was given, in order. */
  readonly labels: readonly Label[]
}

interface Label {
  readonly name: string
  readonly rule: keyof LabelCounts
}

export function countLabels(labels: Iterable<Label>): LabelCounts {
  const counts = { byName: 0, byMap: 0, inferred: 0 }
  for (const { rule } of labels) counts[rule]++
  return counts
}

/**
 * @throws {EvaluationError} `eval_unknown_class` naming the classes that are not among `classes`, the rows that have them and
 * what to do
 */
export function labelRows(rows: readonly PromptRow[], options: ClassOptions = {}): ClassLabels {
  const { classBy = 'category', classMap = {}, classes, inferOthers = true } = options
  const map = new Map(Object.entries(classMap))
  const known = classes && new Set(classes)
  if (known !== undefined) checkMap(map, known)
  const strangers = new Map<string, number>()
  const labels = rows.map((row): Label => {
    const name = nameOf(row, classBy)
    const mapped = map.get(name)
    if (mapped !== undefined) return { name: mapped, rule: 'byMap' }
    if (known === undefined || known.has(name)) {
      return { name, rule: classBy === 'inferred' ? 'inferred' : 'byName' }
    }
    const inferred = inferOthers && classBy !== 'inferred' ? inferredClass(row) : undefined
    if (inferred !== undefined && known.has(inferred)) return { name: inferred, rule: 'inferred' }
    strangers.set(name, (strangers.get(name) ?? 0) + 1)
    return { name, rule: 'byName' }
  })
  if (strangers.size > 0) throw unknownClasses(strangers, classes ?? [], classBy, inferOthers)
  return { classes: classes ?? [...new Set(labels.map(({ name }) => name))].sort(), labels }
}

/** For a policy file over rows that were labelled so; nothing where their own categories are the classes. */
export function labelProvenance(
  { classBy, classMap, classes }: ClassOptions,
  rows: LabelCounts,
): { readonly labels?: LabelProvenance } {
  if (classBy === undefined && classMap === undefined && classes === undefined) return {}
  return { labels: { by: classBy ?? 'category', map: { ...classMap }, rows } }
}

/**
 * A map that was given for these rows: what names nothing is a slip of the pen.
 *
 * @throws {EvaluationError} `eval_unknown_class`
 */
export function checkMapNames(
  rows: readonly PromptRow[],
  { classBy = 'category', classMap = {} }: ClassOptions,
): void {
  const names = Object.keys(classMap)
  if (names.length === 0) return
  const there = new Set(rows.map((row) => nameOf(row, classBy)))
  const nowhere = names.filter((name) => !there.has(name))
  if (nowhere.length === 0) return
  throw new EvaluationError(
    'eval_unknown_class',
    `the class map names ${list(nowhere)}, which is the ${classBy} of no row; there are ${list([...there].sort())}`,
  )
}

function checkMap(map: ReadonlyMap<string, string>, classes: ReadonlySet<string>): void {
  for (const [name, target] of map) {
    if (classes.has(target)) continue
    throw new EvaluationError(
      'eval_unknown_class',
      `the class map takes '${name}' to '${target}', which is no class; the classes are ${list([...classes])}`,
    )
  }
}

function unknownClasses(
  strangers: ReadonlyMap<string, number>,
  classes: readonly string[],
  classBy: ClassBy,
  inferOthers: boolean,
): EvaluationError {
  const shown = [...strangers]
    .slice(0, NAMES_SHOWN)
    .map(([name, rows]) => `'${name}' (${rows} ${rows === 1 ? 'row' : 'rows'})`)
  const more = strangers.size > NAMES_SHOWN ? `, and ${strangers.size - NAMES_SHOWN} more` : ''
  const what = classBy === 'inferred' ? 'inferred class' : classBy
  const nor = inferOthers && classBy !== 'inferred' ? ', nor what their prompts are about' : ''
  const [first = ''] = strangers.keys()
  return new EvaluationError(
    'eval_unknown_class',
    `rows have the ${what} ${shown.join(', ')}${more}, which is none of the classes${nor}: map each to one of ${list(classes)}, as in --class-map '${first}=${classes[0]}'`,
  )
}

function nameOf(row: PromptRow, classBy: ClassBy): string {
  return classBy === 'inferred' ? inferredClass(row) : row[classBy]
}

function inferredClass({ prompt }: PromptRow): string {
  const promptTokens = Math.ceil(prompt.length / CHARS_PER_TOKEN)
  return describeRequest({ messages: [{ role: 'user', text: prompt }], promptTokens }).requestClass
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).map((name) => `'${name}'`)
  return `${shown.join(', ')}${names.length > NAMES_SHOWN ? `, … (${names.length} in all)` : ''}`
}
