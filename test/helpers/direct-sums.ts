/** The posterior's sums by definition, example by example: what the materialized view must come to. */

import assert from 'node:assert/strict'
import { HEADS, type HeadName, type HeadSums, type Observation } from '../../engine/index.ts'

const BUCKET_MS: Readonly<Record<HeadName, number>> = {
  quality: 3_600_000,
  ttft: 300_000,
  tpot: 300_000,
  output_tokens: 300_000,
  success: 60_000,
}

/** Heads that remember a day or more have slots of six hours. */
const DAY_MS = 86_400_000
const SLOT_MS = 21_600_000

export function bucketMs(halfLifeMs: Readonly<Record<HeadName, number>>): Readonly<Record<HeadName, number>> {
  const widths = { ...BUCKET_MS }
  for (const head of HEADS) if (halfLifeMs[head] >= DAY_MS) widths[head] = SLOT_MS
  return widths
}

export interface DirectSums {
  n: number
  c: number
  readonly A: Float64Array
  readonly b: Float64Array
  /** Sum of the absolute values of what was added: the scale that rounding errors are relative to. */
  scale: number
}

/** By `arm head`. Each example counts `2^(−(nowMs − start of its bucket)/half-life)`. */
export function directSums(
  observations: readonly Observation[],
  nowMs: number,
  halfLifeMs: Readonly<Record<HeadName, number>>,
): Map<string, DirectSums> {
  const widths = bucketMs(halfLifeMs)
  const sums = new Map<string, DirectSums>()
  for (const { arm, head, x, y, weight, atMs } of observations) {
    const d = x.length
    const key = `${arm} ${head}`
    const sum = sums.get(key) ?? {
      n: 0,
      c: 0,
      A: new Float64Array((d * (d + 1)) / 2),
      b: new Float64Array(d),
      scale: 0,
    }
    sums.set(key, sum)
    const widthMs = widths[head]
    const ageMs = Math.max(0, nowMs - Math.floor(atMs / widthMs) * widthMs)
    const w = weight * 2 ** (-ageMs / halfLifeMs[head])
    let at = 0
    for (let i = 0; i < d; i += 1) {
      for (let j = 0; j <= i; j += 1) {
        sum.A[at]! += w * x[i]! * x[j]!
        at += 1
      }
      sum.b[i]! += w * y * x[i]!
    }
    sum.c += w * y * y
    sum.n += w
    const size = Math.max(1, Math.abs(y), ...x.map(Math.abs))
    sum.scale += Math.abs(w) * size * size
  }
  return sums
}

/** Equal to 1e-9 of the scale in every number; the same (arm, head) pairs. */
export function assertSums(actual: readonly HeadSums[], expected: ReadonlyMap<string, DirectSums>): void {
  assert.deepEqual(actual.map(({ arm, head }) => `${arm} ${head}`).sort(), [...expected.keys()].sort())
  for (const sums of actual) {
    const direct = expected.get(`${sums.arm} ${sums.head}`)!
    const near = (a: number, b: number, what: string): void =>
      assert.ok(Math.abs(a - b) <= 1e-9 * direct.scale, `${sums.arm} ${sums.head} ${what}: ${a} is not ${b}`)
    near(sums.n, direct.n, 'n')
    near(sums.c, direct.c, 'c')
    assert.equal(sums.A.length, direct.A.length)
    assert.equal(sums.b.length, direct.b.length)
    for (const [i, value] of direct.A.entries()) near(sums.A[i]!, value, `A[${i}]`)
    for (const [i, value] of direct.b.entries()) near(sums.b[i]!, value, `b[${i}]`)
  }
}
