import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { refineSweep } from '../../eval/replay/refine.ts'

const plan = { range: { low: 1, high: 10_000 }, points: 20 }

suite('refining a sweep', () => {
  test('puts its points where the curve moves most', async () => {
    // Nine tenths of the movement lie between the rates 20 and 30, the rest between 2,000 and 3,000.
    const ramp = (perUsd: number, from: number) => Math.min(1, Math.max(0, (perUsd - from) / (from / 2)))
    const sweep = await refineSweep(plan, async (perUsd) => {
      const share = 0.9 * ramp(perUsd, 20) + 0.1 * ramp(perUsd, 2_000)
      return { value: perUsd, point: { costUsd: 1 - share, quality: 1 - share * share } }
    })
    assert.equal(sweep.length, 20)
    const between = (low: number, high: number) =>
      sweep.filter(({ perUsd }) => perUsd > low && perUsd < high).length
    assert.ok(between(20, 30) >= 4)
    assert.ok(between(20, 30) > between(2_000, 3_000))
    assert.deepEqual(
      sweep.map(({ value }) => value),
      sweep.map(({ perUsd }) => perUsd).sort((one, other) => one - other),
    )
  })

  test('a router that ignores cost is asked twice', async () => {
    let asked = 0
    await refineSweep(plan, async () => {
      asked++
      return { value: undefined, point: { costUsd: 1, quality: 0.5 } }
    })
    assert.equal(asked, 2)
  })

  test('where nothing costs anything there is one point', async () => {
    const free = { range: undefined, points: 12 }
    const sweep = await refineSweep(free, async () => ({ value: 0, point: { costUsd: 0, quality: 0.5 } }))
    assert.equal(sweep.length, 1)
  })
})
