/**
 * What safe learning costs and brings, on a data set where every arm's outcome is known:
 *
 *     node test/bench/wishes.ts <folder of the data set> [seeds]
 *
 * Prints the tables of docs/wishes.md; 20 seeds by default, a few minutes.
 */
import { openDataset } from '../../datasets/index.ts'
import type { ArmId, PolicyFile } from '../../engine/index.ts'
import { fitPolicyFile } from '../../eval/index.ts'
import {
  holding,
  leastLead,
  leastWindowRatio,
  mean,
  onlineStreams,
  type Stream,
} from '../helpers/online-stream.ts'

const [folder, seedsText = '20'] = process.argv.slice(2)
if (folder === undefined) {
  process.stderr.write('usage: node test/bench/wishes.ts <folder of the data set> [seeds]\n')
  process.exit(2)
}
const dataset = await openDataset(folder)
const seeds = Number(seedsText)
const policy = 'thompson'
const WINDOW = 1_000

const print = (...cells: readonly (string | number)[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`)
const points = (value: number) => value.toFixed(4)

/** Arms by their mean quality, best first: column and mean. */
function ranked({ of }: Stream): readonly { readonly column: number; readonly quality: number }[] {
  return of.map((values, column) => ({ column, quality: mean(values) })).sort((a, b) => b.quality - a.quality)
}

async function conservative(): Promise<void> {
  const split = 'all'
  const free = await onlineStreams(dataset, { policy, split, seeds })
  const [first] = free
  const ranks = ranked(first!)
  process.stdout.write(
    `\nConservative routing, ${dataset.name}, all ${first!.own.length} rows, ${seeds} orders\n\n`,
  )
  print(
    'baseline',
    'its quality',
    'α',
    'orders below 1 − α',
    'least lead',
    'quality',
    'first 1,000',
    'baseline’s share',
  )
  print(...Array.from({ length: 8 }, () => '---'))
  const row = (name: string, column: number, alpha: number, streams: readonly Stream[]) => {
    const leads = streams.map((stream) => leastLead(stream.own, stream.of[column]!, 1 - alpha))
    print(
      name,
      points(mean(first!.of[column]!)),
      alpha,
      `${leads.filter((lead) => lead < -1e-9).length} of ${seeds}`,
      Math.min(...leads).toFixed(1),
      points(mean(streams.map(({ own }) => mean(own)))),
      points(mean(streams.map(({ own }) => mean(own.subarray(0, WINDOW))))),
      `${(100 * mean(streams.map(({ drawn }) => mean(drawn.map((each) => Number(each === column)))))).toFixed(0)} %`,
    )
  }
  // The second, third and fifth best: ordinary arms.
  for (const rank of [1, 2, 4]) {
    const { column } = ranks[rank]!
    const name = first!.arms[column]!
    for (const alpha of [0.05, 0.1, 0.2]) {
      const createRouter = holding({ baseline: name as ArmId, alpha })
      row(name, column, alpha, await onlineStreams(dataset, { policy, split, seeds, createRouter }))
    }
    row(`${name}, not held`, column, 0.1, free)
  }
}

async function warmStart(): Promise<void> {
  const split = 'test'
  const fitted = await fitPolicyFile({ dataset, policy, createdMs: 0 })
  const { rows } = fitted.provenance
  const [{ of, own, arms } = { of: [], own: [], arms: [] }] = await onlineStreams(dataset, {
    policy,
    split,
    seeds: 1,
  })
  process.stdout.write(
    `\nStarts, ${dataset.name}: fitted on ${rows} rows of train, online on ${own.length} of test, ${seeds} orders\n\n`,
  )
  const [best] = of
    .map((values, column) => ({ column, quality: mean(values) }))
    .sort((a, b) => b.quality - a.quality)
  process.stdout.write(`best single arm: ${arms[best!.column]} ${points(best!.quality)}\n\n`)
  print(
    'start',
    'samples',
    'quality',
    'first 1,000',
    'worst window, paired',
    'worst window',
    'orders below 0.95',
  )
  print(...Array.from({ length: 7 }, () => '---'))
  const flat = new Float64Array(own.length).fill(best!.quality)
  const row = async (name: string, samples: number, file: PolicyFile) => {
    const policyFile = { ...file, hyperparameters: { ...file.hyperparameters, effectiveSamples: samples } }
    const streams = await onlineStreams(dataset, {
      policy,
      split,
      seeds,
      ...(samples > 0 && { policyFile }),
    })
    const paired = streams.map((each) => leastWindowRatio(each.own, each.of[best!.column]!, WINDOW))
    const plain = streams.map((each) => leastWindowRatio(each.own, flat, WINDOW))
    print(
      name,
      samples === 0 ? '–' : samples,
      points(mean(streams.map((each) => mean(each.own)))),
      points(mean(streams.map((each) => mean(each.own.subarray(0, WINDOW))))),
      Math.min(...paired).toFixed(3),
      Math.min(...plain).toFixed(3),
      `${paired.filter((ratio) => ratio < 0.95).length} paired, ${plain.filter((ratio) => ratio < 0.95).length}`,
    )
  }
  await row('cold', 0, fitted)
  for (const samples of [50, 500, 2_000, 10_000]) await row('train split', samples, fitted)
  const ids = ranked((await onlineStreams(dataset, { policy, split, seeds: 1 }))[0]!).map(
    ({ column }) => arms[column]!,
  )
  const [one, last] = [ids[0]!, ids.at(-1)!]
  const swapped = {
    ...fitted,
    sums: fitted.sums.map((each) => ({ ...each, arm: swap(each.arm, one, last) })),
  }
  for (const samples of [50, 500, 2_000, 10_000])
    await row('wrong: best and worst arm swapped', samples, swapped)
}

function swap(arm: ArmId, one: string, other: string): ArmId {
  return (arm === one ? other : arm === other ? one : arm) as ArmId
}

await warmStart()
await conservative()
