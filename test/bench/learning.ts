/**
 * `node test/bench/learning.ts [--sets mmlu-pro,…] [--seeds 20] [--floor 0.02] [--policy thompson]`: online learning from cold on
 * data sets whose every outcome is known, wishing for quality alone. Per set: mean over orders with a 95 % interval, the last
 * third, the worst order, and what single arms and hindsight have.
 */
import Table from 'cli-table3'
import { Command } from 'commander'
import { openDataset } from '../../datasets/index.ts'
import { DEFAULT_FLOOR } from '../../engine/index.ts'
import { replay, studentInterval } from '../../eval/index.ts'
import { sharedPath } from '../helpers/shared.ts'

/** Folder of the reference data and what its request classes are; `crossroads` is bundled. */
const SETS: Readonly<Record<string, 'category' | 'task'>> = {
  'mmlu-pro': 'category',
  paretobandit: 'category',
  zeroeval: 'task',
  'routerbench-subset': 'task',
  routellm: 'category',
  'alpaca-eval': 'category',
  crossroads: 'category',
}

interface Options {
  readonly sets: string
  readonly seeds: number
  readonly floor: number
  readonly policy: string
}

async function row(set: string, { seeds, floor, policy }: Options): Promise<string[]> {
  const dataset = await openDataset(set === 'crossroads' ? set : sharedPath('data', set))
  const classBy = SETS[set] ?? 'category'
  const result = await replay({ dataset, online: true, seeds, floor, policy, classBy, resamples: 200 })
  const { rewardBySeed, lastThird, regret } = result.policy
  const over = studentInterval(rewardBySeed, 0.95)
  const digits = (value: number | undefined): string => value?.toFixed(4) ?? ''
  return [
    set,
    `${result.n} × ${result.arms.length}`,
    `${digits(over?.mean)} ± ${digits(over && (over.hi - over.lo) / 2)}`,
    digits(lastThird?.mean),
    digits(Math.min(...rewardBySeed)),
    digits(result.baselines.bestSingle?.reward.mean),
    digits(result.policy.reward.mean + regret.classHindsight.mean),
  ]
}

await new Command('learning')
  .description('Online learning from cold on full-information data sets.')
  .option('--sets <names>', 'data sets, separated by commas', Object.keys(SETS).join(','))
  .option('--seeds <number>', 'orders of the rows', Number, 20)
  .option('--floor <number>', 'total exploration floor', Number, DEFAULT_FLOOR)
  .option('--policy <name>', 'as of `highwayman replay`', 'thompson')
  .action(async (options: Options) => {
    const table = new Table({
      head: ['set', 'rows × arms', 'reward', 'last third', 'worst order', 'best single', 'best per class'],
      style: { head: [], border: [], compact: true },
    })
    for (const set of options.sets.split(',')) {
      process.stderr.write(`running ${set} …\n`)
      table.push(await row(set, options))
    }
    process.stdout.write(`${table.toString()}\n`)
  })
  .parseAsync()
