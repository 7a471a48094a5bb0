import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Histogram, Registry } from 'prom-client'
import { TalliedHistogram } from '../../server/observability/tallied-histogram.ts'

const BUCKETS = [0.0001, 0.05, 1, 256]
const shape = { name: 'took_seconds', help: 'How long.', buckets: BUCKETS }

test('a tallied histogram reads as one of prom-client does', async () => {
  const value = fc.oneof(fc.double({ min: 0, max: 1_000, noNaN: true }), fc.constantFrom(...BUCKETS))
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom('a', 'b'), value), { maxLength: 30 }),
      async (seen) => {
        const [theirs, ours] = [new Registry(), new Registry()]
        const known = new Histogram({ ...shape, labelNames: ['arm'], registers: [theirs] })
        const tallied = new TalliedHistogram({ ...shape, labelNames: ['arm'], registers: [ours] })
        const series = new Map<string, ReturnType<typeof tallied.series>>()
        for (const [arm, seconds] of seen) {
          known.observe({ arm }, seconds)
          const own = series.get(arm) ?? tallied.series({ arm })
          series.set(arm, own)
          own.observe(seconds)
        }
        assert.equal(await ours.metrics(), await theirs.metrics())
      },
    ),
    { numRuns: 100, seed: 20261128 },
  )
})

test('a tallied histogram without labels is there before anything is observed', async () => {
  const [theirs, ours] = [new Registry(), new Registry()]
  new Histogram({ ...shape, registers: [theirs] })
  new TalliedHistogram({ ...shape, registers: [ours] }).series({})
  assert.equal(await ours.metrics(), await theirs.metrics())
})

test('a tallied histogram refuses what is not finite, and keeps what it has', async () => {
  const registry = new Registry()
  const series = new TalliedHistogram({ ...shape, registers: [registry] }).series({})
  series.observe(0.5)
  assert.throws(() => series.observe(Number.NaN), /NaN cannot be observed/)
  assert.match(await registry.metrics(), /took_seconds_sum 0\.5\ntook_seconds_count 1/)
})
