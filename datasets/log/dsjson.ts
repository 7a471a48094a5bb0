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
import { badRecord, fromRecord, isoTime, toRecord } from './record.ts'

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

/** @param where `file:line` @throws {DatasetError} `dataset_bad_line`; `dataset_bad_option` for a foreign line without `p` */
export function fromDsjson(json: unknown, where: string): LoggedDecision {
  const { highwayman: own, c } = (json ?? {}) as { highwayman?: unknown; c?: { x?: unknown } }
  if (typeof own !== 'object' || own === null) return foreign(json, where)
  return fromRecord({ ...own, x: Object.values((c?.x ?? {}) as object) }, where)
}

/**
 * A line that another system wrote. Its distribution is whole where it has `p`; a cost that stands without a list of outcomes is
 * an outcome, as Vowpal Wabbit learns from it.
 */
function foreign(json: unknown, where: string): LoggedDecision {
  const [row, ...more] = rowsOfDsjson(json, where)
  if (row === undefined || more.length > 0) {
    const what = `expected one decision, got ${row === undefined ? 'an outcome alone' : `${more.length + 1} slots`}`
    throw badRecord(where, `${what}; \`datasets convert\` makes a log of such lines`)
  }
  return toDecision(row)
}
