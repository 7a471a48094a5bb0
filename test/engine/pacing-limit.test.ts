/** Whatever the interleaving of calls, a period's limit is exceeded at most by what calls under way cost beyond their holds. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type BudgetSpec, createPacer } from '../../engine/index.ts'

const LIMIT_USD = 10
const START_MS = Date.UTC(2026, 0, 31, 23, 50)
const ROUNDING = 1e-9

type Step =
  | { readonly kind: 'reserve'; readonly expectedUsd: number; readonly errorUsd: number }
  | { readonly kind: 'settle' | 'release'; readonly which: number }
  | { readonly kind: 'wait'; readonly ms: number }

const usd = (max: number) => fc.double({ min: 0, max, noNaN: true })
const steps = (errorUsd: fc.Arbitrary<number>): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('reserve' as const), expectedUsd: usd(4), errorUsd }),
      },
      { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('settle', 'release'), which: fc.nat() }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat({ max: 400_000 }) }),
      },
    ),
    { maxLength: 200, size: 'max' },
  )

/** Runs the steps and checks after each one; returns how often the limit was felt. */
function run(spec: BudgetSpec, plan: readonly Step[]): number {
  const pacer = createPacer(spec)
  const underWay: {
    id: string
    periodEndMs: number
    expectedUsd: number
    errorUsd: number
    overdrawn: boolean
  }[] = []
  let nowMs = START_MS
  let periodEndMs = pacer.status(nowMs).periodEndMs
  /** Of the calls granted in this period: how much more they cost than was set aside, since money was last granted. */
  let errorsUsd = 0
  let felt = 0
  for (const [n, step] of plan.entries()) {
    if (step.kind === 'wait') nowMs += step.ms
    const end = pacer.status(nowMs).periodEndMs
    if (end !== periodEndMs) errorsUsd = 0
    periodEndMs = end
    if (step.kind === 'reserve') {
      const { ceilingUsd } = pacer.quote(nowMs)
      const outcome = pacer.reserve(`${n}`, step.expectedUsd, nowMs)
      assert.equal(outcome === 'reserved', step.expectedUsd <= ceilingUsd)
      if (outcome !== 'reserved') felt++
      // A call that is expected to be free is granted even beyond the limit, and so says nothing of it.
      if (outcome === 'reserved' && step.expectedUsd > 0) errorsUsd = 0
      if (outcome !== 'refused') {
        const { expectedUsd, errorUsd } = step
        underWay.push({ id: `${n}`, periodEndMs, expectedUsd, errorUsd, overdrawn: outcome === 'overdrawn' })
      }
    } else if (step.kind !== 'wait' && underWay.length > 0) {
      const [call] = underWay.splice(step.which % underWay.length, 1)
      if (step.kind === 'release') pacer.release(call!.id, nowMs)
      else {
        const actualUsd = Math.max(call!.expectedUsd + call!.errorUsd, 0)
        pacer.settle(call!.id, actualUsd, nowMs)
        if (call!.periodEndMs === periodEndMs && !call!.overdrawn) {
          errorsUsd += Math.max(actualUsd - call!.expectedUsd, 0)
        }
      }
    }
    const { spentUsd, reservedUsd, overdraftUsd, remainingUsd } = pacer.status(nowMs)
    const granted = spentUsd + reservedUsd - overdraftUsd
    assert.ok(granted <= LIMIT_USD + errorsUsd + ROUNDING, `${granted} > ${LIMIT_USD} + ${errorsUsd}`)
    assert.ok(spentUsd >= -ROUNDING && reservedUsd >= -ROUNDING && overdraftUsd >= -ROUNDING)
    assert.ok(remainingUsd >= 0 && remainingUsd <= LIMIT_USD)
  }
  return felt
}

suite('the limit of a period', () => {
  for (const onExhausted of ['reject', 'cheapest'] as const) {
    const spec: BudgetSpec = { kind: 'per-period', usd: LIMIT_USD, period: 'hour', onExhausted }

    test(`${onExhausted}: exceeded by no more than the settlement error of calls under way`, () => {
      let felt = 0
      fc.assert(
        fc.property(steps(fc.double({ min: -4, max: 4, noNaN: true })), (plan) => {
          felt += run(spec, plan)
        }),
        { seed: 11, numRuns: 300 },
      )
      assert.ok(felt > 300, `the limit was felt only ${felt} times`)
    })
  }

  test('reserving upper bounds, it is never exceeded', () => {
    const spec: BudgetSpec = { kind: 'per-period', usd: LIMIT_USD, period: 'hour', onExhausted: 'reject' }
    fc.assert(
      fc.property(steps(fc.double({ min: -4, max: 0, noNaN: true })), (plan) => {
        run(spec, plan)
      }),
      { seed: 12, numRuns: 300 },
    )
  })
})
