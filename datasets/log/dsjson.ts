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
import { fromRecord, isoTime, toRecord } from './record.ts'

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
    return [fromRecord({ ...own, x: Object.values((c?.x ?? {}) as object) }, where)]
  return rowsOfDsjson(json, where)
    .filter(({ skipLearn }) => !skipLearn)
    .map((row) => toDecision(row))
}
