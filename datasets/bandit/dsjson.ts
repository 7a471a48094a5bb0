/**
 * Vowpal Wabbit's decision-service JSON as rows of a logged bandit, and back: one decision on each line, or several where the line
 * fills slots one after the other. A line without `c` tells an outcome that came alone; it is passed over, as VW does.
 *
 * @see https://github.com/VowpalWabbit/vowpal_wabbit/wiki/DSJson
 */
import { z } from 'zod'
import { describeFirstIssue } from '../issues.ts'
import { DatasetError } from '../types.ts'
import { probabilitiesOf } from './probabilities.ts'
import type { BanditAction, LoggedBanditRow } from './row.ts'
import { actionIds, featuresOfJson, featuresToJson, nameOfAction } from './vw-json.ts'

/** Of probabilities that are written to three places, or in single precision. */
const ROUNDING = 6e-4

const number = z.number('expected a number')
const share = number.min(0, 'expected a number in [0, 1]').max(1, 'expected a number in [0, 1]')
const whole = z.int('expected a whole number')
const outcomes = z.array(z.unknown(), 'expected a list of outcomes')
const examples = z.array(z.looseObject({}, 'expected an object'), 'expected a list of actions')

const slotSchema = z.looseObject(
  {
    _label_cost: number.optional(),
    _label_probability: share.optional(),
    _id: z.string('expected a string').optional(),
    _a: z
      .array(whole.min(0, 'expected an action, counted from 0'), 'expected a list of actions')
      .min(1, 'expected an action'),
    _p: z.array(share, 'expected a list of probabilities'),
    _o: outcomes.optional(),
  },
  'expected an object',
)

const lineSchema = z.looseObject(
  {
    _label_cost: number.optional(),
    _label_probability: share.optional(),
    _label_Action: whole.min(1, 'expected an action, counted from 1').optional(),
    _labelIndex: whole.min(0, 'expected an action, counted from 0').optional(),
    _outcomes: z.array(slotSchema, 'expected a list of slots').optional(),
    _skipLearn: z.boolean('expected true or false').optional(),
    skipLearn: z.boolean('expected true or false').optional(),
    o: outcomes.optional(),
    Timestamp: z.string('expected a time').optional(),
    EventId: z.string('expected a string').min(1, 'expected a non-empty string').optional(),
    a: z
      .array(whole.min(1, 'expected an action, counted from 1'), 'expected a list of actions')
      .min(1, 'expected an action')
      .optional(),
    p: z.array(share, 'expected a list of probabilities').optional(),
    c: z.looseObject({ _multi: examples.optional(), _slots: examples.optional() }, 'expected an object'),
    pdrop: number.min(0, 'expected a share in [0, 1)').lt(1, 'expected a share in [0, 1)').optional(),
    position: whole.min(1, 'expected a slot, counted from 1').optional(),
  },
  'expected an object',
)
type Line = z.output<typeof lineSchema>

/** @param where `file:line` @throws {DatasetError} `dataset_bad_line` */
export function rowsOfDsjson(json: unknown, where: string): readonly LoggedBanditRow[] {
  if (typeof json === 'object' && json !== null && !('c' in json)) {
    if ('RewardValue' in json || 'Observations' in json || 'v' in json) return []
  }
  const parsed = lineSchema.safeParse(json)
  if (!parsed.success) throw bad(where, describeFirstIssue(parsed.error, json))
  const line = parsed.data
  return line._outcomes === undefined ? [oneRow(line, where)] : slotRows(line, line._outcomes, where)
}

function oneRow(line: Line, where: string): LoggedBanditRow {
  const order = line.a ?? line.c._multi?.map((_, i) => i + 1) ?? []
  if (order.length === 0) throw bad(where, 'a: expected a list of actions, got nothing')
  const { p } = line
  if (p !== undefined && p.length !== order.length)
    throw bad(where, `p: expected one for each action, got ${p.length} for ${order.length}`)
  const { _labelIndex: index, _label_Action: action } = line
  const taken = index === undefined ? action : index + 1
  const at = order.indexOf(taken ?? order[0] ?? 1)
  if (at === -1) {
    const [field, got] = index === undefined ? ['_label_Action', action] : ['_labelIndex', index]
    throw bad(where, `${field}: expected one of the actions in "a", got ${got}`)
  }
  if (action !== undefined && action !== taken)
    throw bad(where, `_label_Action: expected ${taken}, since _labelIndex is ${index}, got ${action}`)
  const choice = choose(line, order, p, at, line._label_probability, where)
  // No outcome is not an outcome of 0: where the list is there and empty, the cost beside it is a placeholder.
  const isObserved = line._label_cost !== undefined && (line._label_cost !== 0 || line.o?.length !== 0)
  return {
    ...sharedOf(line, where),
    ...choice,
    id: line.EventId ?? where,
    reward: isObserved ? 0 - (line._label_cost ?? 0) : undefined,
    position: line.position,
  }
}

/** Slots see the actions that those before them left; each is a decision of its own. */
function slotRows(
  line: Line,
  slots: readonly z.output<typeof slotSchema>[],
  where: string,
): readonly LoggedBanditRow[] {
  const shared = sharedOf(line, where)
  for (const [i, { _id: id, _a: actions }] of slots.entries()) {
    const at = `${where} _outcomes.${i}`
    const before = slots.slice(0, i)
    if (id !== undefined && before.some((slot) => slot._id === id))
      throw bad(at, `_id: expected one of its own, got ${JSON.stringify(id)}, which an earlier slot has`)
    if (before.some((slot) => slot._a[0] === actions[0]))
      throw bad(at, `_a: expected an action that is left, got ${actions[0]}, which an earlier slot took`)
  }
  return slots.map((slot, i) => {
    const at = `${where} _outcomes.${i}`
    if (slot._p.length !== slot._a.length)
      throw bad(at, `_p: expected one for each action, got ${slot._p.length} for ${slot._a.length}`)
    const order = slot._a.map((action) => action + 1)
    const ofSlot = featuresOfJson({ slot: line.c._slots?.[i] ?? {} })
    const isObserved = slot._label_cost !== undefined && (slot._label_cost !== 0 || slot._o?.length !== 0)
    return {
      ...shared,
      ...choose(line, order, slot._p, 0, slot._label_probability, at),
      id: slot._id ?? `${line.EventId ?? where}#${i + 1}`,
      context: new Map([...shared.context, ...ofSlot]),
      reward: isObserved ? 0 - (slot._label_cost ?? 0) : undefined,
      position: i + 1,
    }
  })
}

/** The actions in the order of `_multi`, and what was chosen of them. */
function choose(
  line: Line,
  order: readonly number[],
  p: readonly number[] | undefined,
  at: number,
  labelled: number | undefined,
  where: string,
): Pick<LoggedBanditRow, 'actions' | 'taken' | 'propensity' | 'probabilities'> {
  const all = line.c._multi ?? []
  const sorted = [...order.keys()].sort((i, j) => (order[i] ?? 0) - (order[j] ?? 0))
  const ids = actionIds(sorted.map((i) => nameOf(all, order[i] ?? 0)))
  const actions = sorted.map((i, k): BanditAction => {
    const number = order[i] ?? 0
    if (k > 0 && number === order[sorted[k - 1] ?? 0])
      throw bad(where, `a: expected each action once, got ${number} twice`)
    if (all.length > 0 && number > all.length)
      throw bad(where, `a: expected one of ${all.length} actions, got ${number}`)
    return { id: ids[k] ?? '', features: featuresOfJson(all[number - 1] ?? {}) }
  })
  const probabilities =
    p &&
    probabilitiesOf(
      sorted.map((i) => p[i] ?? 0),
      where,
    )
  const propensity = labelled ?? p?.[at]
  if (propensity === undefined)
    throw bad(where, '_label_probability: expected a number, got nothing, and there is no p')
  if (propensity === 0) throw bad(where, '_label_probability: expected a number above 0, got 0')
  const told = p?.[at]
  if (labelled !== undefined && told !== undefined && Math.abs(labelled - told) > ROUNDING)
    throw bad(
      where,
      `_label_probability: expected ${told}, the action’s own in the probabilities, got ${labelled}`,
    )
  return { actions, taken: sorted.indexOf(at), propensity, probabilities }
}

function nameOf(all: readonly Readonly<Record<string, unknown>>[], number: number): string {
  return nameOfAction(all[number - 1] ?? {}) ?? `action/${number}`
}

function sharedOf(
  line: Line,
  where: string,
): Pick<LoggedBanditRow, 'atMs' | 'context' | 'weight' | 'skipLearn'> {
  const { Timestamp: time, pdrop = 0, _skipLearn: skip, skipLearn = skip } = line
  if (skip !== undefined && skipLearn !== skip)
    throw bad(where, `skipLearn: expected ${skip}, since _skipLearn is, got ${skipLearn}`)
  const atMs = time === undefined ? undefined : Date.parse(time)
  if (Number.isNaN(atMs)) throw bad(where, `Timestamp: expected a time, got ${JSON.stringify(time)}`)
  return {
    atMs,
    context: featuresOfJson(line.c),
    // Rows were dropped with this probability: one that is left stands for those that are gone.
    weight: 1 / (1 - pdrop),
    skipLearn: skipLearn === true,
  }
}

/** The action that was taken comes first in `a` and `p`, as in what VW's clients write. */
export function banditRowToDsjson(row: LoggedBanditRow): Readonly<Record<string, unknown>> {
  const { taken, probabilities, reward } = row
  const order = [taken, ...[...row.actions.keys()].filter((i) => i !== taken)]
  return {
    ...(reward !== undefined && { _label_cost: 0 - reward }),
    _label_probability: row.propensity,
    _label_Action: taken + 1,
    _labelIndex: taken,
    o: reward === undefined ? [] : [{ EventId: row.id, v: reward }],
    ...(row.atMs !== undefined && { Timestamp: new Date(row.atMs).toISOString() }),
    Version: '1',
    EventId: row.id,
    a: order.map((i) => i + 1),
    c: {
      ...featuresToJson(row.context),
      _multi: row.actions.map(({ id, features }) => ({ _tag: id, ...featuresToJson(features) })),
    },
    ...(probabilities !== undefined && { p: order.map((i) => probabilities[i]) }),
    ...(row.weight !== 1 && { pdrop: 1 - 1 / row.weight }),
    ...(row.skipLearn && { _skipLearn: true }),
    ...(row.position !== undefined && { position: row.position }),
  }
}

function bad(where: string, what: string): DatasetError {
  return new DatasetError('dataset_bad_line', `${where} ${what}`)
}
