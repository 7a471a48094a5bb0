/** A scenario as text for a terminal. */
import Table from 'cli-table3'
import { ownValue } from '../../engine/index.ts'
import { RECOVERY, type ScenarioResult, type StretchFigures } from '../replay/scenario-figures.ts'
import { formatDifference, formatInterval, formatNumber } from './format.ts'

const REQUESTS_PER_COST = 1_000
const LABEL_WIDTH = 15

/** One row for each stretch between events, and what the columns mean. No colour; ends with a newline. */
export function renderScenarioTable(result: ScenarioResult): string {
  const { dataset, split, n, arms, seeds, scenario, policy, warmStart, stretches } = result
  const table = new Table({
    head: [
      'from',
      'what happened',
      'reward',
      '$/1k',
      'cost / budget',
      'λ',
      'nothing happened',
      'always so',
      'recovered',
    ],
    style: { head: [], border: [], compact: true },
    colAligns: ['right', 'left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
  })
  for (const stretch of stretches) table.push(cellsOf(stretch))
  const lines: [label: string, text: string][] = [
    [
      'all',
      `reward ${formatInterval(policy.reward)}, $${formatNumber(policy.costUsd.mean * REQUESTS_PER_COST)} per 1k`,
    ],
  ]
  if (policy.budgetUsd !== undefined && policy.used !== undefined) {
    const budget = `$${formatNumber(policy.budgetUsd * REQUESTS_PER_COST)} per 1k`
    lines.push(['budget', `${budget}; cost / budget ${formatInterval(policy.used)}`])
  }
  if (warmStart !== undefined) lines.push(['warm start', `every arm’s outcome on ${warmStart.join(', ')}`])
  for (const stretch of stretches) lines.push([`from ${stretch.fromStep}`, sharesText(stretch)])
  lines.push([
    'recovered',
    `steps until ${RECOVERY.window} requests lack at most ${RECOVERY.gap} to a run in whose world it was always so`,
  ])
  lines.push(['intervals', '95 % Student over seeds: the luck of order and draws'])
  return `${[
    `${dataset}, split ${split}, scenario ${scenario.name}: ${n} rows × ${arms.length} arms, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}, policy ${policy.name}`,
    scenario.description,
    table.toString(),
    ...lines.map(([label, text]) => `${label.padEnd(LABEL_WIDTH)} ${text}`),
  ].join('\n')}\n`
}

function cellsOf(stretch: StretchFigures): string[] {
  const { fromStep, events, reward, costUsd, used, price, control, informed } = stretch
  return [
    String(fromStep),
    events.join('; '),
    formatInterval(reward),
    formatNumber(costUsd.mean * REQUESTS_PER_COST),
    used === undefined ? '' : formatNumber(used.mean),
    price === undefined ? '' : `${price.least.toPrecision(2)} to ${price.most.toPrecision(2)}`,
    formatNumber(control.mean),
    `${formatNumber(informed.mean)} (${formatDifference(stretch.gap.mean)})`,
    stretch.events.length === 0 ? '' : recoveryText(stretch.recoveredAfterSteps),
  ]
}

function recoveryText(steps: number | null): string {
  if (steps === null) return 'no'
  return steps === 0 ? 'at once' : `${steps} steps`
}

function sharesText({ armShares, informedShares }: StretchFigures): string {
  return Object.entries(armShares)
    .filter(([arm, share]) => share > 0 || (ownValue(informedShares, arm) ?? 0) > 0)
    .sort(([, one], [, other]) => other - one)
    .map(
      ([arm, share]) =>
        `${arm} ${percent(share)} (always so: ${percent(ownValue(informedShares, arm) ?? 0)})`,
    )
    .join(', ')
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
