/** A replay as text for a terminal. */
import Table from 'cli-table3'
import type { BaselineName } from '../baselines/index.ts'
import type { BaselineFigures, BudgetFigures, ReplayResult, RouterFigures } from '../replay/types.ts'
import { titleOf } from './baseline-titles.ts'
import { formatDifference, formatInterval, formatNumber } from './format.ts'

const REQUESTS_PER_COST = 1_000
const ARMS_SHOWN = 8
const LABEL_WIDTH = 15

/** The comparison, what the policy chose, what was left out, and the verdict. No colour; ends with a newline. */
export function renderReplayTable(result: ReplayResult): string {
  const { policy } = result
  const table = new Table({
    head: ['', 'reward', '$/1k', 'AIQ', 'gain of the policy'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  })
  table.push([policy.name, ...figureCells(policy), ''])
  for (const [name, figures] of Object.entries(result.baselines) as [BaselineName, BaselineFigures][]) {
    table.push([titleOf(name), ...figureCells(figures), formatInterval(figures.policyGain, formatDifference)])
  }
  const details = detailsOf(result).map(([label, text]) => `${label.padEnd(LABEL_WIDTH)} ${text}`)
  return `${[heading(result), table.toString(), ...details, result.verdict.text].join('\n')}\n`
}

function heading({ dataset, split, mode, n, arms, seeds, costWeight }: ReplayResult): string {
  const size = `${n} rows × ${arms.length} arms, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}`
  const reward =
    costWeight === 0 ? 'quality' : `quality − ${costWeight} · cost / mean cost of the dearest arm`
  return `${dataset}, split ${split}, ${mode}: ${size}; reward is ${reward}`
}

function figureCells({ reward, costUsd, aiq }: RouterFigures): string[] {
  return [
    formatInterval(reward),
    formatNumber(costUsd.mean * REQUESTS_PER_COST),
    aiq === undefined ? '' : formatInterval(aiq),
  ]
}

function detailsOf({
  policy,
  dropped,
  training,
  warmStart,
  mode,
  method,
}: ReplayResult): [label: string, text: string][] {
  const { oracle, bestSingle, classHindsight } = policy.regret
  const lines: [string, string][] = []
  if (policy.lastThird !== undefined) lines.push(['last third', formatInterval(policy.lastThird)])
  lines.push(['expected', formatInterval(policy.expectedReward)])
  lines.push(['realised', formatInterval(policy.realisedReward)])
  if (policy.overSeeds !== undefined) lines.push(['over seeds', formatInterval(policy.overSeeds)])
  if (policy.budget !== undefined) lines.push(...budgetLines(policy.budgetUsd!, policy.budget))
  lines.push(['regret', `${formatInterval(oracle)} against the oracle`])
  lines.push(['', `${formatInterval(bestSingle)} against the best single arm`])
  lines.push(['', `${formatInterval(classHindsight)} against the best arm per class`])
  lines.push(['arm shares', describeShares(policy.armShares)])
  if (warmStart !== undefined) lines.push(['warm start', `every arm’s outcome on ${warmStart.join(', ')}`])
  lines.push([mode === 'online' ? 'category mean' : 'learning', training])
  lines.push(['intervals', method])
  const left = describeDropped(dropped)
  if (left !== '') lines.push(['left out', left])
  return lines
}

function budgetLines(
  budgetUsd: number,
  { used, usedBySeed, zeroRouter, gain, price }: BudgetFigures,
): [label: string, text: string][] {
  const seeds = `by seed ${formatNumber(Math.min(...usedBySeed))} to ${formatNumber(Math.max(...usedBySeed))}`
  const [start, least, most, end] = [price.start, price.least, price.most, price.end].map((each) =>
    each.toPrecision(3),
  )
  return [
    [
      'budget',
      `$${formatNumber(budgetUsd * REQUESTS_PER_COST)} per 1k; cost / budget ${formatInterval(used)}, ${seeds}`,
    ],
    [
      '',
      `zero router at the budget ${formatInterval(zeroRouter)}; gain ${formatInterval(gain, formatDifference)}`,
    ],
    ['price of cost', `λ ${start} at the start, ${least} to ${most}, ${end} at the end (quality per USD)`],
  ]
}

function describeShares(armShares: Readonly<Record<string, number>>): string {
  const byShare = Object.entries(armShares).sort(([, one], [, other]) => other - one)
  const shown = byShare.slice(0, ARMS_SHOWN).map(([arm, share]) => `${arm} ${(100 * share).toFixed(1)} %`)
  const hidden = byShare.length - shown.length
  return hidden > 0 ? `${shown.join(', ')}, ${hidden} more` : shown.join(', ')
}

function describeDropped({
  arms,
  contaminatedRows,
  uncostedRows,
  incompleteRows,
}: ReplayResult['dropped']): string {
  return [
    ...arms.map(({ arm, rows }) => `arm ${arm} (on ${rows} rows only)`),
    ...(contaminatedRows > 0 ? [`${contaminatedRows} contaminated rows`] : []),
    ...(uncostedRows > 0 ? [`${uncostedRows} rows without a cost`] : []),
    ...(incompleteRows > 0 ? [`${incompleteRows} rows without every arm`] : []),
  ].join(', ')
}
