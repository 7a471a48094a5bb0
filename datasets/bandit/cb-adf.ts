/**
 * Vowpal Wabbit's text for contextual bandits with features of actions (`--cb_adf`): a line `shared |…`, a line for each action, of which
 * the one that was taken is labelled `0:cost:probability`, and an empty line.
 *
 * @see https://github.com/VowpalWabbit/vowpal_wabbit/wiki/Input-format
 */
import { readLines } from '../read/lines.ts'
import { decodeOrTell, type ReadOptions } from '../read/options.ts'
import { DatasetError } from '../types.ts'
import { byNamespace, featureName } from './features.ts'
import type { BanditFeatures, LoggedBanditRow } from './row.ts'
import { actionIds } from './vw-json.ts'

const LINE_BYTES_MAX = 4 * 1024 * 1024
/** A file without empty lines is another format, and would be held whole. */
const ACTIONS_MAX = 20_000

interface Example {
  readonly where: string
  readonly label: string
  readonly tag: string
  readonly features: BanditFeatures
}

/** @throws {DatasetError} `dataset_bad_line` naming file and line, `dataset_unreadable` */
export async function* readCbAdf(path: string, options: ReadOptions = {}): AsyncGenerator<LoggedBanditRow> {
  let event: { readonly number: number; readonly text: string }[] = []
  const finish = (): LoggedBanditRow | undefined => {
    const lines = event
    event = []
    return lines.length === 0 ? undefined : decodeOrTell(options, () => rowOf(path, lines))
  }
  for await (const line of readLines(path, LINE_BYTES_MAX, options)) {
    if (line.text.trim() !== '') {
      event.push(line)
      if (event.length <= ACTIONS_MAX) continue
      const what = `more than ${ACTIONS_MAX} lines without an empty one; is it cb_adf text?`
      throw bad(`${path}:${line.number}`, what)
    }
    const row = finish()
    if (row !== undefined) yield row
  }
  const last = finish()
  if (last !== undefined) yield last
}

function rowOf(
  path: string,
  lines: readonly { readonly number: number; readonly text: string }[],
): LoggedBanditRow {
  const [first, ...rest] = lines.map(({ number, text }) => exampleOf(text.trimEnd(), `${path}:${number}`))
  const shared = first?.label === 'shared' ? first : undefined
  const actions = shared === undefined && first !== undefined ? [first, ...rest] : rest
  const where = `${path}:${lines[0]?.number}`
  if (actions.length === 0) throw bad(where, 'expected an action after the shared line')
  const labelled = actions.flatMap(({ label }, i) => (label === '' ? [] : [i]))
  const [taken] = labelled
  if (taken === undefined) throw bad(where, 'expected an action with a label 0:cost:probability')
  if (labelled.length > 1) {
    const what = `expected one labelled action, got ${labelled.length}; in --cb text without adf events need features of actions`
    throw bad(actions[labelled[1] ?? 0]?.where ?? where, what)
  }
  const { cost, probability } = labelOf(actions[taken] as Example)
  const ids = actionIds(actions.map(({ tag }) => (tag === '' ? undefined : tag)))
  return {
    id: shared === undefined || shared.tag === '' ? where : shared.tag,
    atMs: undefined,
    context: shared?.features ?? new Map(),
    actions: actions.map(({ features }, i) => ({ id: ids[i] ?? '', features })),
    taken,
    propensity: probability,
    probabilities: actions.length === 1 && probability === 1 ? Float64Array.of(1) : undefined,
    reward: 0 - cost,
    position: undefined,
    weight: 1,
    skipLearn: false,
  }
}

function labelOf({ label, where }: Example): { readonly cost: number; readonly probability: number } {
  const [action = '', cost = '', probability = '', ...more] = label.split(':')
  const expected = 'expected a label 0:cost:probability'
  const [costNumber, share] = [Number(cost), Number(probability)]
  const isWhole = /^\d+$/.test(action) && cost !== '' && probability !== '' && more.length === 0
  if (!isWhole || !Number.isFinite(costNumber)) throw bad(where, `${expected}, got ${JSON.stringify(label)}`)
  if (!(share > 0 && share <= 1))
    throw bad(where, `${expected} with a probability in (0, 1], got ${probability}`)
  return { cost: costNumber, probability: share }
}

function exampleOf(text: string, where: string): Example {
  const bar = text.indexOf('|')
  const head = (bar === -1 ? text : text.slice(0, bar)).trimStart()
  const words = head.trimEnd().split(/\s+/).filter(Boolean)
  // What touches the bar is the tag, and so is what begins with a quote.
  const isTag =
    words.length > 0 && (words.at(-1)?.startsWith("'") === true || (bar !== -1 && !/\s$/.test(head)))
  // `shared|` and a label without a space before the bar are what they look like.
  const last = words.at(-1) ?? ''
  const tag = isTag && last !== 'shared' && !/^\d+:.*:/.test(last) ? last.replace(/^'/, '') : ''
  const label = tag === '' ? words : words.slice(0, -1)
  if (/^(ccb|slates)$/.test(label[0] ?? ''))
    throw bad(where, `${label[0]} examples are not read; log them as dsjson`)
  if (label.length > 1) throw bad(where, `expected a label, a tag and features, got ${JSON.stringify(head)}`)
  const features = bar === -1 ? new Map<string, number | string>() : featuresOf(text.slice(bar + 1), where)
  return { where, label: label[0] ?? '', tag, features }
}

/** What stands after the first bar: `namespace:weight feature:value feature |…`. */
function featuresOf(text: string, where: string): Map<string, number | string> {
  const features = new Map<string, number | string>()
  for (const part of text.split('|')) {
    const words = part.split(/\s+/)
    // A space after the bar: these features have no namespace.
    const [space = '', factor = '1'] = (words.shift() ?? '').split(':')
    const scale = numberOf(factor, where)
    for (const word of words) {
      if (word === '') continue
      const cut = word.indexOf(':')
      const name = cut === -1 ? word : word.slice(0, cut)
      const value = cut === -1 ? 1 : featureValue(word.slice(cut + 1))
      const scaled = typeof value === 'number' ? value * scale : value
      if (scaled !== 0) features.set(featureName(space, name), scaled)
    }
  }
  return features
}

function numberOf(text: string, where: string): number {
  const value = Number(text)
  if (text !== '' && Number.isFinite(value)) return value
  throw bad(where, `expected a weight after the namespace's colon, got ${JSON.stringify(text)}`)
}

/** A number where it reads as one, else a category. */
function featureValue(text: string): number | string {
  const value = Number(text)
  return text !== '' && Number.isFinite(value) ? value : text
}

/** One event, with the empty line after it. VW has no escapes: spaces, colons and bars in names become `_`. */
export function toCbAdf(row: LoggedBanditRow): string {
  const label = `0:${0 - (row.reward ?? 0)}:${row.propensity} `
  const lines = row.actions.map(
    ({ id, features }, i) =>
      `${i === row.taken && row.reward !== undefined ? label : ''}'${clean(id)} ${featureText(features)}`,
  )
  return `shared '${clean(row.id)} ${featureText(row.context)}\n${lines.join('\n')}\n\n`
}

function featureText(features: BanditFeatures): string {
  const spaces = [...byNamespace(features)].map(([space, names]) => {
    const words = [...names].map(([name, value]) => {
      if (value === 1) return clean(name)
      if (typeof value === 'number') return `${clean(name)}:${value}`
      // A category that reads as a number would come back as one.
      return typeof featureValue(value) === 'number'
        ? `${clean(name)}=${clean(value)}`
        : `${clean(name)}:${clean(value)}`
    })
    return `|${clean(space)} ${words.join(' ')}`
  })
  return spaces.length === 0 ? '|' : spaces.join(' ')
}

function clean(text: string): string {
  return text.replace(/[\s:|]/g, '_')
}

function bad(where: string, what: string): DatasetError {
  return new DatasetError('dataset_bad_line', `${where}: ${what}`)
}
