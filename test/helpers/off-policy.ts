/** Made-up logs for the tests of estimators: rows drawn from a seed, and splits of them. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import type { KeyedRow } from '../../eval/index.ts'
import { type RandomGenerator, randomStream } from '../../eval/random.ts'

export function uniform(random: RandomGenerator): number {
  return uniformFloat64(random)
}

/** Weights with a tail and some zeros, of mean about 1; rewards in [base, base + 1]; a model that knows a little. */
export function madeUpRows(count: number, seed: number, base = 0): readonly KeyedRow[] {
  const random = randomStream('made-up-rows', seed)
  return Array.from({ length: count }, (_, i) => {
    const easy = uniform(random)
    const weight = uniform(random) < 0.2 ? 0 : 0.3 / (0.02 + uniform(random))
    return {
      key: `${seed}-${i}`,
      weight,
      reward: base + (uniform(random) < 0.2 + 0.6 * easy ? 1 : 0),
      predicted: base + 0.3 + 0.4 * easy,
      predictedTarget: base + 0.35 + 0.4 * easy,
    }
  })
}

/** Between 1 and `most` parts, each row in one of them, in an order of their own. */
export function splitAtRandom<Row>(
  rows: readonly Row[],
  most: number,
  seed: number,
): readonly (readonly Row[])[] {
  const random = randomStream('split', seed)
  const parts = Array.from({ length: 1 + Math.floor(most * uniform(random)) }, (): Row[] => [])
  for (const row of rows) parts[Math.floor(parts.length * uniform(random))]!.push(row)
  return parts
}
