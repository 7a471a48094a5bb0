import assert from 'node:assert/strict'
import { before, suite, test } from 'node:test'
import {
  type Interval,
  type ReplayResult,
  renderReplayTable,
  replay,
  toReplayJson,
} from '../../eval/index.ts'
import { verdictOf } from '../../eval/replay/verdict.ts'
import { datasetOf, outcome, row, skilledRows } from './worlds.ts'

suite('replay reports', () => {
  let online: ReplayResult
  let frozen: ReplayResult
  before(async () => {
    const options = { policy: 'thompson', seeds: 2, resamples: 40, curvePoints: 4 }
    const extra = skilledRows(300).map((r, index) =>
      index === 0 ? { ...r, outcomes: new Map([...r.outcomes, ['lab/rare', outcome(1, 1)]]) } : r,
    )
    const contaminated = row('c', { x: outcome(1, 1) }, { contaminated: true })
    const dataset = datasetOf([...extra, contaminated])
    online = await replay({ ...options, dataset, online: true })
    frozen = await replay({ ...options, dataset })
  })

  test('JSON has the keys that scripts rely on, and survives serialisation', () => {
    for (const result of [online, frozen]) {
      const json = JSON.parse(JSON.stringify(toReplayJson(result)))
      assert.equal(json.dataset, 'synthetic')
      assert.equal(json.split, result.split)
      assert.equal(json.n, result.n)
      assert.equal(json.seeds, 2)
      assert.deepEqual(json.arms, ['lab/scribe', 'lab/adder', 'lab/bargain'])
      assert.equal(json.policy.name, 'thompson')
      assert.equal(json.verdict, result.verdict.text)
      for (const name of ['random', 'bestSingle', 'zeroRouter', 'categoryMean', 'oracle']) {
        assertInterval(json.baselines[name].reward)
        assertInterval(json.baselines[name].costUsd)
      }
      assertInterval(json.baselines.zeroRouter.aiq)
      assertInterval(json.policy.reward)
      assertInterval(json.policy.costUsd)
      assertInterval(json.policy.regret.oracle)
    }
    assertInterval(JSON.parse(JSON.stringify(toReplayJson(online))).policy.lastThird)
    assertInterval(JSON.parse(JSON.stringify(toReplayJson(frozen))).policy.aiq)
  })

  test('the table names policy, baselines, what was left out, and ends with the verdict', () => {
    const text = renderReplayTable(online)
    for (const words of [
      'thompson',
      'random',
      'best single',
      'zero router',
      'category mean',
      'oracle',
      'last third',
    ]) {
      assert.ok(text.includes(words), words)
    }
    assert.match(text, /left out +arm lab\/rare \(on 1 rows only\), 1 contaminated rows/)
    assert.ok(text.endsWith(`${online.verdict.text}\n`))
    const { mean, lo, hi } = online.policy.reward
    assert.ok(text.includes(`${mean.toFixed(4)} [${lo.toFixed(4)}, ${hi.toFixed(4)}]`))
  })

  test('the table is plain text that fits a wide terminal', () => {
    const lines = renderReplayTable(frozen).split('\n')
    const table = lines.filter((line) => /^[│┌├└]/.test(line))
    assert.ok(table.length > 8)
    assert.ok(table.every((line) => line.length <= 125))
    assert.ok(!renderReplayTable(frozen).includes('\u001B'))
  })
})

suite('verdict', () => {
  const text = (mean: number, lo: number, hi: number) => verdictOf({ mean, lo, hi }).text

  test('a gain is significant when its whole interval is above zero', () => {
    assert.equal(
      text(0.02, 0.01, 0.03),
      'significant gain over the zero router at equal cost: +0.0200 [+0.0100, +0.0300]',
    )
    assert.equal(
      text(0.01, -0.01, 0.03),
      'no significant gain over the zero router at equal cost: +0.0100 [−0.0100, +0.0300]',
    )
    assert.equal(
      text(-0.02, -0.03, -0.01),
      'no significant gain over the zero router at equal cost: −0.0200 [−0.0300, −0.0100]',
    )
    assert.equal(verdictOf({ mean: 0, lo: 0, hi: 0 }).significant, false)
  })
})

function assertInterval(value: Interval): void {
  assert.deepEqual(Object.keys(value), ['mean', 'lo', 'hi'])
  assert.ok(value.lo <= value.hi)
}
