/** Decisions that are in a log twice, found in bounded memory. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RepeatFilter, Repeats } from '../../eval/index.ts'

/** 2^20 marks of each kind, where 65,536 ids leave false suspicions enough to be looked into. */
const small = () => new RepeatFilter(new SharedArrayBuffer(2 ** 18))
const DECISIONS = 65_536

function readTwice(repeats: Repeats, ids: readonly string[], file = 'log'): void {
  for (const id of ids) repeats.count(id)
  for (const [i, id] of ids.entries()) repeats.check(id, `${file}:${i + 1}`)
}

describe('repeated decisions', () => {
  const ids = Array.from({ length: DECISIONS }, (_, i) => `decision-${i}`)

  test('none where every id is there once, though the filter takes some for others', () => {
    const repeats = new Repeats(small())
    readTwice(repeats, ids)
    // (1 − e^(−4·2^16/2^20))^4 = 0.0024 of 65,536 ids are 157; ± 5 standard errors.
    const { length } = repeats.state()
    assert.ok(length > 94 && length < 220, `${length} were kept`)
    // A log that is read a third time has its ids where they were.
    for (const [i, id] of ids.entries()) repeats.check(id, `log:${i + 1}`)
  })

  test('a single one is found, with both places', () => {
    for (const at of [0, 31_000, DECISIONS - 1]) {
      assert.throws(() => readTwice(new Repeats(small()), [...ids, ids[at]!]), {
        code: 'eval_repeated_decision',
        message: new RegExp(`decision decision-${at} is in log:${at + 1} and again in log:${DECISIONS + 1};`),
      })
    }
  })

  test('of other threads: each has its own half, and one of the ids is in both', () => {
    const filter = small()
    const [one, other] = [new Repeats(filter), new Repeats(new RepeatFilter(filter.memory))]
    const halves = [ids.slice(0, 30_000), ids.slice(29_999)] as const
    for (const id of halves[0]) one.count(id)
    for (const id of halves[1]) other.count(id)
    for (const [i, id] of halves[0].entries()) one.check(id, `a:${i + 1}`)
    for (const [i, id] of halves[1].entries()) other.check(id, `b:${i + 1}`)
    const together = new Repeats(filter)
    together.merge(one.state())
    assert.throws(() => together.merge(other.state()), {
      message: /decision-29999 is in a:30000 and again in b:1;/,
    })
  })

  test('what is kept is bounded; of an overlap enough is seen all the same', () => {
    const full = new Repeats(new RepeatFilter(new SharedArrayBuffer(2 ** 12)), 100)
    readTwice(full, ids)
    assert.ok(full.state().length <= 100)
    assert.throws(
      () => readTwice(new Repeats(new RepeatFilter(new SharedArrayBuffer(2 ** 12)), 100), [...ids, ...ids]),
      {
        code: 'eval_repeated_decision',
      },
    )
  })
})
