/**
 * Vowpal Wabbit's decision-service JSON: one interaction on each line, with the cost (lower is better) and the probability of
 * the action that was taken. What Vowpal Wabbit does not know stands under `highwayman`, which it passes over, so that our own
 * lines come back whole; a line from elsewhere gives what can be told from it.
 *
 * @see https://github.com/VowpalWabbit/vowpal_wabbit/wiki/DSJson
 */

import type { LoggedDecision } from '../../engine/index.ts'
import { qualityOf, toDecision } from '../bandit/decision.ts'
import { rowsOfDsjson } from '../bandit/dsjson.ts'
import { describeFound } from '../issues.ts'
import { badRecord, fromRecord, isoTime, toRecord } from './record.ts'

const ROUNDING = 1e-6

export function toDsjson(row: LoggedDecision): Readonly<Record<string, unknown>> {
  const { x, ...rest } = toRecord(row)
  const { a, p, EventId, ...labels } = labelsOf(row)
  return {
    ...labels,
    Timestamp: isoTime(row.atMs),
    Version: '1',
    EventId,
    a,
    c: {
      shared: { class: row.requestClass, tenant: row.tenant },
      x: Object.fromEntries(x.map((value, i) => [`x${i}`, value])),
      _multi: row.eligible.map((arm) => ({ arm: { id: arm } })),
    },
    p,
    highwayman: rest,
  }
}

/** What Vowpal Wabbit goes by, and the record under `highwayman` says again. */
function labelsOf(row: LoggedDecision) {
  const drawn = row.eligible.indexOf(row.arm)
  const quality = qualityOf(row.rewards)
  // The action that was taken comes first in `a` and `p`.
  const order = [drawn, ...row.eligible.keys()].filter((k, i) => k !== -1 && (i === 0 || k !== drawn))
  return {
    _label_cost: quality === undefined ? 0 : -quality,
    _label_probability: row.propensity,
    _label_Action: drawn + 1,
    _labelIndex: drawn,
    o: quality === undefined ? [] : [{ EventId: row.id, v: quality }],
    EventId: row.id,
    a: order.map((k) => k + 1),
    p: order.map((k) => row.probabilities[k]),
  }
}

/**
 * The decisions of a line: one of our own; of another system's as many as it has slots, none where it tells an outcome alone or asks
 * not to be learned from. A foreign distribution is whole where there is `p`.
 *
 * @param where `file:line`
 * @throws {DatasetError} `dataset_bad_line`; `dataset_bad_option` for a foreign line without `p`, or that stands for several
 */
export function decisionsOfDsjson(json: unknown, where: string): readonly LoggedDecision[] {
  const { highwayman: own, c } = (json ?? {}) as { highwayman?: unknown; c?: { x?: unknown } }
  if (typeof own === 'object' && own !== null)
    return [ownDecision({ ...own, x: Object.values((c?.x ?? {}) as object) }, json as object, where)]
  return rowsOfDsjson(json, where)
    .filter(({ skipLearn }) => !skipLearn)
    .map((row) => toDecision(row))
}

/** Labels that were changed after the export are not passed over: nobody could tell which of the two was meant. */
function ownDecision(record: object, line: object, where: string): LoggedDecision {
  const decision = fromRecord(record, where)
  const found = line as Readonly<Record<string, unknown>>
  for (const [label, expected] of Object.entries(labelsOf(decision))) {
    const value = found[label]
    if (value === undefined || isAlike(value, expected)) continue
    throw badRecord(
      where,
      `${label}: expected ${JSON.stringify(expected)}, as the record under "highwayman" has it, got ${describeFound(value)}; change both, or leave the record out`,
    )
  }
  return decision
}

/** Numbers may have been through single precision. */
function isAlike(value: unknown, expected: unknown): boolean {
  if (typeof value === 'number' && typeof expected === 'number') {
    return Math.abs(value - expected) <= ROUNDING * Math.max(1, Math.abs(expected))
  }
  if (Array.isArray(value) && Array.isArray(expected)) {
    return value.length === expected.length && value.every((item, i) => isAlike(item, expected[i]))
  }
  if (typeof expected === 'object' && expected !== null && typeof value === 'object' && value !== null) {
    return Object.entries(expected).every(([key, item]) =>
      isAlike((value as Readonly<Record<string, unknown>>)[key], item),
    )
  }
  return value === expected
}
