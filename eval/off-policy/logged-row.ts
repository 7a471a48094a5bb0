/** Which decisions of a log count, and what each of them was worth. */
import { qualityOf } from '../../datasets/index.ts'
import type { UtilityRates } from '../../engine/index.ts'
import type { EvaluationRow } from './evaluation-row.ts'
import type { ValueName } from './types.ts'

/** Why a decision is left out of an evaluation; stable, counted in its report. */
export const LEFT_OUT = [
  'failover',
  'judge',
  'pinned',
  'not_explored',
  'served_otherwise',
  'deterministic',
] as const
export type LeftOut = (typeof LEFT_OUT)[number]

/** What each means, for reports. */
export const LEFT_OUT_MEANING: Readonly<Record<LeftOut, string>> = {
  failover: 'came after a failed decision, which counts with the outcome of the whole request',
  judge: 'asked by a judge, not by a caller',
  pinned: 'named a single arm, so that there was nothing to decide',
  not_explored: 'asked for without exploration: one arm for certain, and nothing is told of the others',
  served_otherwise: 'served by another arm than the one drawn, by the caller’s own doing',
  deterministic: 'one of several arms for certain: nothing is told of the others',
}

/**
 * Undefined: it counts. A row stands for a request: its first decision, with the drawn arm's propensity and the outcome of the
 * whole request, failovers included.
 */
export function leftOut(row: EvaluationRow): LeftOut | undefined {
  if (row.parentId !== undefined) return 'failover'
  if (row.surface === 'judge') return 'judge'
  const isAlone = row.eligible.length === 1
  if (isAlone && row.exclusions.length === 0) return 'pinned'
  if (!row.explore && !isAlone) return 'not_explored'
  if (row.servedArm !== undefined && row.servedArm !== row.arm && row.servedReason !== 'failover') {
    return 'served_otherwise'
  }
  return row.propensity === 1 && !isAlone ? 'deterministic' : undefined
}

/** What a request was worth, in each value's unit; undefined where nobody told. */
export type Realised = Readonly<Record<ValueName, number | undefined>>

/**
 * Quality is that of the latest reward in force; of a request that nobody answered it is 0. A caller who left says nothing.
 *
 * @param rates the price of the other goods in utility
 */
export function realised(row: EvaluationRow, rates: UtilityRates): Realised {
  const success = successOf(row)
  const quality =
    qualityOf(row.rewards) ?? (row.servedReason === 'unanswered' && success === 0 ? 0 : undefined)
  return {
    quality,
    cost_usd: row.costUsd,
    latency_ms: row.totalMs,
    success,
    utility: utilityOf({ quality, costUsd: row.costUsd, latencyMs: row.totalMs, success }, rates),
  }
}

/** 1 answered to the end, 0 not; undefined without a call, and where the caller left. */
function successOf({ attempts }: EvaluationRow): number | undefined {
  const last = attempts.at(-1)
  if (last === undefined || last.status === 'cancelled') return undefined
  return last.status === 'answered' ? 1 : 0
}

export interface Goods {
  readonly quality: number | undefined
  readonly costUsd: number | undefined
  readonly latencyMs: number | undefined
  readonly success: number | undefined
}

/** Undefined where a good that has a price was not told. */
export function utilityOf(goods: Goods, { perUsd, perSecond, perFailure }: UtilityRates): number | undefined {
  const cost = priced(perUsd, goods.costUsd)
  const waiting = priced(perSecond, goods.latencyMs && goods.latencyMs / 1_000)
  const failure = priced(perFailure, goods.success === undefined ? undefined : 1 - goods.success)
  if (goods.quality === undefined || cost === undefined || waiting === undefined || failure === undefined) {
    return undefined
  }
  return goods.quality - cost - waiting - failure
}

function priced(rate: number, amount: number | undefined): number | undefined {
  return rate === 0 ? 0 : amount === undefined ? undefined : rate * amount
}
