/**
 * Vowpal Wabbit's decision-service JSON: one interaction on each line, with the cost (lower is better) and the probability of
 * the action that was taken. What Vowpal Wabbit does not know stands under `highwayman`, which it passes over, so that our own
 * lines come back whole; a line from elsewhere gives what can be told from it.
 *
 * @see https://github.com/VowpalWabbit/vowpal_wabbit/wiki/DSJson
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { ArmId, DecisionId, FeatureSpaceId, LoggedDecision, LoggedReward } from '../../engine/index.ts'
import { describeFirstIssue } from '../issues.ts'
import { badRecord, fromRecord, isoTime, toRecord } from './record.ts'

const QUALITY = 'quality'
/** Of lines that say nothing of their features. */
const FOREIGN_SPACE = 'dsjson' as FeatureSpaceId

const number = z.number('expected a number')
const dsjsonSchema = z.looseObject(
  {
    _label_cost: number.optional(),
    _label_probability: number.min(0).max(1).optional(),
    _labelIndex: z.int('expected a whole number ≥ 0').min(0).optional(),
    o: z.array(z.looseObject({ v: z.unknown() }), 'expected a list of outcomes').optional(),
    Timestamp: z.string('expected a time').optional(),
    EventId: z.string('expected a string').min(1, 'expected a non-empty string'),
    a: z
      .array(z.int().min(1), 'expected a list of action numbers from 1 on')
      .min(1, 'expected at least one action'),
    p: z.array(number.min(0).max(1), 'expected a list of probabilities').min(1),
    c: z.looseObject({ _multi: z.array(z.looseObject({}), 'expected a list of actions').optional() }),
    highwayman: z.unknown().optional(),
  },
  'expected an object',
)
type DsjsonLine = z.output<typeof dsjsonSchema>

/**
 * What a row's quality was in the end, [0, 1]; undefined: none, or taken back. Of logs that do not say what their values made
 * of it, the latest value of `quality`.
 */
export function qualityOf(rewards: readonly LoggedReward[]): number | undefined {
  const last = rewards.findLast(({ quality }) => quality !== undefined)
  if (last !== undefined) return last.quality ?? undefined
  const value = rewards.findLast(({ metric }) => metric === QUALITY)?.value
  return typeof value === 'number' ? value : undefined
}

export function toDsjson(row: LoggedDecision): Readonly<Record<string, unknown>> {
  const drawn = row.eligible.indexOf(row.arm)
  const quality = qualityOf(row.rewards)
  const { x, ...rest } = toRecord(row)
  // The action that was taken comes first in `a` and `p`.
  const order = [drawn, ...row.eligible.keys()].filter((k, i) => k !== -1 && (i === 0 || k !== drawn))
  return {
    _label_cost: quality === undefined ? 0 : -quality,
    _label_probability: row.propensity,
    _label_Action: drawn + 1,
    _labelIndex: drawn,
    o: quality === undefined ? [] : [{ EventId: row.id, v: quality }],
    Timestamp: isoTime(row.atMs),
    Version: '1',
    EventId: row.id,
    a: order.map((k) => k + 1),
    c: {
      shared: { class: row.requestClass, tenant: row.tenant },
      x: Object.fromEntries(x.map((value, i) => [`x${i}`, value])),
      _multi: row.eligible.map((arm) => ({ arm: { id: arm } })),
    },
    p: order.map((k) => row.probabilities[k]),
    highwayman: rest,
  }
}

/** @param where `file:line` @throws {DatasetError} `dataset_bad_line` */
export function fromDsjson(json: unknown, where: string): LoggedDecision {
  const parsed = dsjsonSchema.safeParse(json)
  if (!parsed.success) throw badRecord(where, describeFirstIssue(parsed.error, json))
  const line = parsed.data
  if (line.highwayman === undefined) return foreign(line, where)
  return fromRecord(
    { ...(line.highwayman as object), x: Object.values((line.c['x'] ?? {}) as object) },
    where,
  )
}

/** A line that another system wrote: actions, probabilities and the label. Its features stay behind. */
function foreign(line: DsjsonLine, where: string): LoggedDecision {
  const { a, p, EventId, _label_cost: cost, _label_probability: labelled } = line
  if (a.length !== p.length)
    throw badRecord(where, `p: expected one for each action, got ${p.length} for ${a.length}`)
  const taken = line._labelIndex ?? (a[0] ?? 1) - 1
  const armOf = (index: number): ArmId => actionName(line, index) as ArmId
  const at = a.indexOf(taken + 1)
  if (at === -1) throw badRecord(where, `_labelIndex: expected one of the actions in "a", got ${taken}`)
  const atMs = line.Timestamp === undefined ? 0 : Date.parse(line.Timestamp)
  if (Number.isNaN(atMs))
    throw badRecord(where, `Timestamp: expected a time, got ${JSON.stringify(line.Timestamp)}`)
  const id = idOf(EventId, atMs)
  const isObserved = cost !== undefined && (cost !== 0 || (line.o?.length ?? 0) > 0)
  return fromRecord(
    {
      decision_id: id,
      ts: isoTime(atMs),
      parent_id: null,
      request_id: EventId,
      tenant: '',
      session: '',
      user_hash: '',
      requested_model: '',
      surface: 'dsjson',
      stream: false,
      prompt_tokens: 0,
      metadata: {},
      class: '',
      feature_space: FOREIGN_SPACE,
      x: [1],
      policy: { name: 'unknown' },
      rates: { per_usd: 0, per_second: 0, per_failure: 0 },
      explore: true,
      floor: 0,
      salt: '',
      eligible: a.map((action) => armOf(action - 1)),
      probabilities: p,
      estimates: [],
      exclusions: [],
      arm: armOf(taken),
      propensity: labelled ?? p[at],
      served_arm: armOf(taken),
      served_reason: 'caller',
      attempts: [],
      cost_usd: null,
      ttft_ms: null,
      total_ms: null,
      completion_tokens: null,
      finish_reason: '',
      rewards: isObserved
        ? [
            {
              reward_id: `${EventId}:label`,
              decision_id: id,
              ts: isoTime(atMs),
              metric: QUALITY,
              value: -cost,
              source: 'dsjson',
              idempotency_key: '',
            },
          ]
        : [],
    },
    where,
  )
}

/** The `id` or `tag` that an action has in one of its namespaces, else its number. */
function actionName(line: DsjsonLine, index: number): string {
  const action = line.c._multi?.[index] ?? {}
  for (const part of [action, ...Object.values(action)]) {
    if (typeof part !== 'object' || part === null) continue
    const { id, tag, _tag = tag } = part as Readonly<Record<string, unknown>>
    const name = id ?? _tag
    if (typeof name === 'string' && name !== '') return name
  }
  return `action/${index + 1}`
}

/** An event's own UUID, or one that is the same whenever the same line is read. */
function idOf(eventId: string, atMs: number): DecisionId {
  if (z.uuid().safeParse(eventId).success) return eventId as DecisionId
  const time = Math.max(atMs, 0).toString(16).padStart(12, '0').slice(-12)
  const hash = createHash('sha256').update(eventId).digest('hex')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hash.slice(0, 3)}-8${hash.slice(3, 6)}-${hash.slice(6, 18)}` as DecisionId
}
