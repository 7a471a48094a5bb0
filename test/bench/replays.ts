/**
 * The tables of docs/replay.md: on each set a policy is tuned on the training splits and judged once on the test split, beside all
 * baselines.
 *
 *     node test/bench/replays.ts <folder of the sets> [--sets mmlu-pro,…] [--trials 24] [--seed 1] [--text outcomes]
 *
 * Minutes of CPU time a set. Nothing of a test split is looked at before its replay.
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openDataset } from '../../datasets/index.ts'
import {
  type Interval,
  type ReplayOptions,
  type RouterFigures,
  replay,
  type TextChoice,
  tune,
} from '../../eval/index.ts'
import { titleOf } from '../../eval/report/baseline-titles.ts'
import { formatDifference, formatInterval, formatNumber } from '../../eval/report/format.ts'

interface Reference {
  readonly name: string
  readonly folder: string
  readonly splits: readonly string[]
  readonly select: Pick<ReplayOptions, 'tasks' | 'arms'>
}

const FOUR_ARMS = [
  'google/gemini-2.5-pro',
  'google/gemini-2.5-flash',
  'mistralai/mistral-large-2512',
  'meta-llama/llama-3.1-8b-instruct',
]

const SETS: readonly Reference[] = [
  { name: 'mmlu-pro', folder: 'mmlu-pro', splits: ['train'], select: {} },
  { name: 'paretobandit', folder: 'paretobandit', splits: ['train', 'val'], select: {} },
  { name: 'paretobandit-4', folder: 'paretobandit', splits: ['val'], select: { arms: FOUR_ARMS } },
  { name: 'routerbench-subset', folder: 'routerbench-subset', splits: ['train'], select: {} },
  { name: 'zeroeval', folder: 'zeroeval', splits: ['train'], select: {} },
  { name: 'alpaca-eval', folder: 'alpaca-eval', splits: ['train'], select: {} },
  { name: 'routellm-mmlu', folder: 'routellm', splits: ['train'], select: { tasks: ['mmlu'] } },
  { name: 'routellm-gsm8k', folder: 'routellm', splits: ['train'], select: { tasks: ['gsm8k'] } },
]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sets: { type: 'string' },
    trials: { type: 'string', default: '24' },
    seed: { type: 'string', default: '1' },
    text: { type: 'string' },
  },
})
const root = positionals[0]
if (root === undefined) throw new Error('give the folder that holds the sets')
const wanted = values.sets?.split(',')

for (const set of SETS) {
  if (wanted !== undefined && !wanted.includes(set.name)) continue
  process.stdout.write(`${(await tableOf(set)).join('\n')}\n\n`)
}

async function tableOf({ name, folder, splits, select }: Reference): Promise<string[]> {
  const dataset = await openDataset(join(root!, folder))
  const trials = Number(values.trials)
  const common = { dataset, ...select }
  const { file, tuning, best } = await tune({
    ...common,
    splits,
    trials,
    seed: Number(values.seed),
    ...(values.text !== undefined && { text: values.text as TextChoice }),
    createdMs: 0,
    versions: {},
  })
  const judged = { ...common, split: 'test', seeds: 1 }
  const tuned = await replay({ ...judged, policy: file.policy, policyFile: file })
  const asItComes = await replay({ ...judged, policy: 'thompson', baselines: [] })
  const hasPair = tuned.policy.pair !== undefined
  const rows: [string, RouterFigures][] = [
    ['**tuned**', tuned.policy],
    ['as it comes (`thompson`)', asItComes.policy],
    ...Object.entries(tuned.baselines).map(([baseline, figures]): [string, RouterFigures] => [
      titleOf(baseline),
      figures,
    ]),
  ]
  const heads = [
    'AIQ',
    'cost to match the best arm',
    'best quality beyond it',
    ...(hasPair ? ['APGR', 'CPT 50 %', 'CPT 80 %'] : []),
  ]
  const { gain, value } = tuning.heldOut
  return [
    `### ${name}`,
    '',
    `${tuned.n} test rows × ${tuned.arms.length} arms, ${file.provenance.rows} rows to tune on.`,
    '',
    `| router | ${heads.join(' | ')} |`,
    `|---|${heads.map(() => '---').join('|')}|`,
    ...rows
      .filter(([, { aiq }]) => aiq !== undefined)
      .map(([router, { aiq, matchCost, perfGain, pair }]) => {
        const cells = [aiq, matchCost, perfGain, ...(hasPair ? [pair?.apgr, pair?.cpt50, pair?.cpt80] : [])]
        const formats = [formatNumber, percent, formatDifference, formatNumber, percent, percent]
        return `| ${router} | ${cells.map((cell, i) => shown(cell, formats[i]!)).join(' | ')} |`
      }),
    '',
    `AIQ of the tuned policy over the zero router: ${formatInterval(tuned.aiqGain!, formatDifference)}, ${tuned.aiqGain!.lo > 0 ? 'a significant gain' : 'no significant gain'}.`,
    `Foretold by the file, on held-out training rows: AIQ ${formatInterval(value)}, over the zero router ${formatInterval(gain, formatDifference)}.`,
    `Found: \`${JSON.stringify(best)}\``,
  ]
}

function shown(value: Interval | undefined, format: (value: number) => string): string {
  return value === undefined ? '' : formatInterval(value, format)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
