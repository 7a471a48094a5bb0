/** How far a judge agrees with people. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RewardRow } from '../../adapters/index.ts'
import type { DecisionId } from '../../engine/index.ts'
import { agreementOf, type Pair, pairsOf } from '../../server/judges/agreement.ts'
import { NO_METRICS } from '../../server/rewards/metric.ts'
import { FLAG, JUDGE } from '../helpers/judge.ts'

describe('agreement', () => {
  const pair = (judge: number, human: number): Pair => ({
    judge,
    human,
    judgeLabel: judge >= 0.5 ? 'good' : 'bad',
    humanLabel: human >= 0.5 ? 'good' : 'bad',
  })

  it('has the kappa of Cohen’s own kind of table', () => {
    // 20 both good, 15 both bad, 5 and 10 apart: p_o = 0.7, p_e = 0.5·0.6 + 0.5·0.4 = 0.5.
    const pairs = [
      ...Array.from({ length: 20 }, () => pair(1, 1)),
      ...Array.from({ length: 15 }, () => pair(0, 0)),
      ...Array.from({ length: 5 }, () => pair(1, 0)),
      ...Array.from({ length: 10 }, () => pair(0, 1)),
    ]
    const { n, agreeing, kappa, meanDifference, correlation } = agreementOf(pairs)
    assert.deepEqual([n, agreeing], [50, 0.7])
    assert.ok(Math.abs(kappa! - 0.4) < 1e-12)
    assert.ok(Math.abs(meanDifference!.mean - -0.1) < 1e-12)
    assert.ok(meanDifference!.lo < -0.1 && meanDifference!.hi > -0.1)
    // φ of the same table: (20·15 − 5·10) / √(25·25·30·20).
    assert.ok(Math.abs(correlation! - 250 / Math.sqrt(375_000)) < 1e-12)
  })

  it('of none, of one, and of those who always say the same is not told', () => {
    assert.deepEqual(agreementOf([]), {
      n: 0,
      meanDifference: undefined,
      correlation: undefined,
      agreeing: undefined,
      kappa: undefined,
    })
    assert.equal(agreementOf([pair(1, 0)]).meanDifference, undefined)
    const same = agreementOf([pair(1, 1), pair(1, 1)])
    assert.deepEqual([same.correlation, same.kappa, same.agreeing], [undefined, undefined, 1])
  })

  it('is of answers that both have judged, the last word of each', () => {
    let ms = 1
    const said = (n: number, metric: string, value: number | undefined, source: string): RewardRow => ({
      rewardId: `${ms}`,
      decisionId: `01890000-0000-7000-8000-00000000000${n}` as DecisionId,
      atMs: Date.UTC(2026, 0) + ms++,
      metric,
      valueNumber: value,
      valueText: '',
      source,
      idempotencyKey: '',
    })
    const rows = [
      said(1, 'quality', 0.4, 'judge:j'),
      said(1, 'quality', 0.9, 'user'),
      said(1, 'quality', 0.6, 'judge:j'),
      said(2, 'quality', 0.2, 'judge:j:own'),
      said(2, 'quality', 0, 'outcome:tests'),
      said(3, 'quality', 0.5, 'judge:j'),
      said(3, 'quality', 0.5, 'heuristic:passed'),
      said(4, 'quality', 0.5, 'judge:jj'),
      said(4, 'quality', 0.5, 'user'),
      said(5, 'quality', 0.5, 'judge:j'),
      said(5, 'quality', 1, 'user'),
      said(5, 'quality', undefined, 'user'),
    ]
    assert.deepEqual(
      pairsOf(JUDGE, rows, NO_METRICS).map(({ judge, human }) => [judge, human]),
      [
        [0.6, 0.9],
        [0.2, 0],
      ],
    )
    // The user spoke of another metric that makes quality.
    const metrics = new Map([[FLAG.name, FLAG]])
    const across = [said(6, 'quality', 0.3, 'judge:j'), said(6, 'helpful', 1, 'user')]
    assert.deepEqual(
      pairsOf(JUDGE, across, metrics).map(({ judge, human }) => [judge, human]),
      [[0.3, 1]],
    )
  })
})
