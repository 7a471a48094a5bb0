/**
 * What a budget buys on judged outcomes, as the table of docs/budgets.md:
 *
 *     node test/bench/budgets.ts [folder of the dataset] [seeds]      (default: paretobandit of the reference data, 20)
 *
 * Each row is a stream of the test rows in 20 orders, learnt from as it comes, after a warm start on train and val.
 */
import { openDataset } from '../../datasets/index.ts'
import { hullQuality, replay } from '../../eval/index.ts'
import { sharedPath } from '../helpers/shared.ts'

/** USD per request, and the reward of arXiv 2604.00136 at that budget: on its own test set, which has other rows. */
const PUBLISHED: readonly (readonly [budgetUsd: number, reward: number])[] = [
  [2.9e-5, 0.793],
  [8.3e-5, 0.813],
  [2.3e-4, 0.859],
  [6.6e-4, 0.898],
  [1.9e-3, 0.917],
  [5.3e-3, 0.924],
  [1.5e-2, 0.929],
]

const dataset = await openDataset(process.argv[2] ?? sharedPath('data', 'paretobandit'))
const seeds = Number(process.argv[3] ?? 20)
const head = [
  'budget, $/1k',
  'reward',
  'cost / budget',
  'by seed',
  'λ at the start',
  'λ, least to most',
  'zero router',
  'gain over it',
  'class means',
  'published',
]
print(head)
print(head.map(() => '---:'))
for (const [budgetUsd, published] of PUBLISHED) {
  const { policy, curves } = await replay({
    dataset,
    policy: 'thompson',
    online: true,
    split: 'test',
    warmStart: ['train', 'val'],
    budgetUsd,
    seeds,
  })
  const { overSeeds, budget } = policy
  if (budget === undefined || overSeeds === undefined) throw new Error('give two seeds or more')
  const { used, usedBySeed, price, zeroRouter, gain } = budget
  print([
    (budgetUsd * 1_000).toPrecision(2),
    `${overSeeds.mean.toFixed(4)} ± ${((overSeeds.hi - overSeeds.lo) / 2).toFixed(4)}`,
    `${used.mean.toFixed(3)} ± ${((used.hi - used.lo) / 2).toFixed(3)}`,
    `${Math.min(...usedBySeed).toFixed(3)} to ${Math.max(...usedBySeed).toFixed(3)}`,
    price.start.toPrecision(2),
    `${price.least.toPrecision(2)} to ${price.most.toPrecision(2)}`,
    zeroRouter.mean.toFixed(4),
    [gain.mean, gain.lo, gain.hi]
      .map(signed)
      .join(' ')
      .replace(/ (.+) (.+)/, ' [$1, $2]'),
    hullQuality(curves['categoryMean'] ?? [], budgetUsd).toFixed(4),
    published.toFixed(3),
  ])
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`
}

function print(cells: readonly string[]): void {
  process.stdout.write(`| ${cells.join(' | ')} |\n`)
}
