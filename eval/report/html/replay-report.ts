/** A replay as one HTML file. */
import { ownValue } from '../../../engine/index.ts'
import type { ReplayResult, RouterFigures } from '../../replay/types.ts'
import { titleOf } from '../baseline-titles.ts'
import { formatDifference, formatInterval, formatNumber } from '../format.ts'
import { renderBanner } from './banner.ts'
import { type Insert, markup } from './markup.ts'
import { type ReportSection, renderFacts, renderPage } from './page.ts'
import { calibrationPlot, costQualityPlots, regretPlot, shortName } from './replay-plots.ts'
import { renderTable, type TableColumn } from './table.ts'

const REQUESTS_PER_COST = 1_000

/**
 * @param command what makes the report again, for its foot
 * @returns the document
 */
export function renderReplayReport(result: ReplayResult, command?: string): string {
  const { dataset, split, mode, policy, verdict, n, arms } = result
  return renderPage({
    title: `${policy.name} on ${dataset}`,
    lead: `Replay, ${mode}: ${n} rows of split ${split}, ${arms.length} arms, every arm’s outcome known. ${rewardText(result)}`,
    banner: renderBanner(verdict.significant ? 'good' : 'warn', verdict.text),
    sections: sectionsOf(result, command),
  })
}

function sectionsOf(result: ReplayResult, command: string | undefined): ReportSection[] {
  const { policy, regretPath, calibration } = result
  const sections: ReportSection[] = [
    { id: 'baselines', title: 'Beside the baselines', body: [baselinesTable(result), curvesTable(result)] },
    { id: 'cost-quality', title: 'Cost and quality', body: costQualityPlots(result) },
  ]
  if (policy.budget !== undefined) sections.push({ id: 'budget', title: 'Budget', body: budgetFacts(result) })
  if (regretPath !== undefined) sections.push({ id: 'regret', title: 'Regret', body: regretPlot(regretPath) })
  if (calibration.length > 0) {
    sections.push({
      id: 'calibration',
      title: 'Calibration',
      body: calibrationPlot(calibration, result.mode),
    })
  }
  sections.push(
    { id: 'classes', title: 'By request class', body: classTable(result) },
    { id: 'arms', title: 'Arms', body: armTable(result) },
    { id: 'diagnostics', title: 'Diagnostics', body: diagnostics(result) },
    { id: 'method', title: 'Method', body: methodFacts(result, command) },
  )
  return sections
}

function baselinesTable({ policy, baselines }: ReplayResult): Insert {
  const rows = Object.entries(baselines).map(([name, figures]) => ({
    cells: [
      titleOf(name),
      formatInterval(figures.reward),
      perThousand(figures),
      formatInterval(figures.policyGain, formatDifference),
      figures.detail,
    ],
  }))
  return renderTable(
    'Reward, its cost, and what the policy has ahead, on the same rows; 95 % intervals',
    columns('router', ['reward', '$/1k', 'gain of the policy'], ['what it is']),
    [
      { cells: [policy.name, formatInterval(policy.reward), perThousand(policy), '', ''], main: true },
      ...rows,
    ],
  )
}

/** Of the routers that can trade cost for quality. */
function curvesTable({ policy, baselines }: ReplayResult): Insert {
  const routers: [string, RouterFigures][] = [[policy.name, policy], ...Object.entries(baselines)]
  const traders = routers.filter(([, { aiq }]) => aiq !== undefined)
  if (traders.length === 0) return undefined
  const hasPair = traders.some(([, { pair }]) => pair !== undefined)
  const pairTitles = hasPair ? ['APGR', 'CPT 50 %', 'CPT 80 %'] : []
  return [
    renderTable(
      'Cost–quality curves; 95 % intervals',
      columns('router', [
        'AIQ',
        'cost to match the best single arm',
        'best quality beyond it',
        ...pairTitles,
      ]),
      traders.map(([name, { aiq, matchCost, perfGain, pair }], i) => ({
        main: i === 0 && name === policy.name,
        cells: [
          titleOf(name),
          optional(aiq),
          optional(matchCost, percent),
          optional(perfGain, formatDifference),
          ...(hasPair
            ? [optional(pair?.apgr), optional(pair?.cpt50, percent), optional(pair?.cpt80, percent)]
            : []),
        ],
      })),
    ),
    markup`<p class="lead">AIQ: mean quality under the curve’s hull between the mean costs of the cheapest and of the dearest arm. Cost to match: share of the best single arm’s cost; 100 % where the curve never gets there.${hasPair && ' APGR: share of the gap between the weak and the strong arm that is recovered, over all shares of strong calls; CPT: the share of strong calls that recovers so much of it.'}</p>`,
  ]
}

function classTable({ byClass, policy }: ReplayResult): Insert {
  const entries = Object.entries(byClass).sort(([, one], [, other]) => other.n - one.n)
  const compared = ['bestSingle', 'categoryMean'] as const
  const shown = compared.filter((name) => entries.some(([, { gain }]) => gain[name] !== undefined))
  return [
    renderTable(
      `Reward of ${policy.name} by class`,
      [
        { title: 'class' },
        ...['rows', 'reward', ...shown.map((name) => `gain on ${titleOf(name)}`)].map((title) => ({
          title,
          numeric: true,
        })),
        { title: 'drawn most' },
        { title: 'share', numeric: true },
        { title: 'best arm' },
      ],
      entries.map(([name, { n, reward, gain, mostDrawn, share, bestArm }]) => ({
        cells: [
          name,
          n,
          formatInterval(reward),
          ...shown.map((baseline) => optional(gain[baseline], formatDifference)),
          shortName(mostDrawn),
          percent(share),
          shortName(bestArm),
        ],
      })),
    ),
    markup`<p class="lead">Each interval is a 95 % Student interval of its class alone: of ${entries.length} classes, ${Math.max(1, Math.round(entries.length * 0.05))} or so would look different by chance. The best arm is chosen in hindsight, on these very rows.</p>`,
  ]
}

function armTable({ points, policy }: ReplayResult): Insert {
  const entries = Object.entries(points.singles).sort(
    ([, one], [, other]) => other.quality.mean - one.quality.mean,
  )
  return renderTable(
    'Every arm alone, and how often the policy draws it',
    columns('arm', ['quality', '$/1k', 'share of draws']),
    entries.map(([arm, { costUsd, quality }]) => ({
      cells: [
        arm,
        formatInterval(quality),
        formatNumber(costUsd * REQUESTS_PER_COST),
        percent(ownValue(policy.armShares, arm) ?? 0),
      ],
    })),
  )
}

function budgetFacts({ policy }: ReplayResult): Insert {
  const { used, usedBySeed, zeroRouter, gain, price } = policy.budget!
  return renderFacts([
    ['budget', `$${formatNumber(policy.budgetUsd! * REQUESTS_PER_COST)} per 1,000 requests`],
    [
      'cost ÷ budget',
      `${formatInterval(used)}; by seed ${formatNumber(Math.min(...usedBySeed))} to ${formatNumber(Math.max(...usedBySeed))}`,
    ],
    ['zero router at the budget', formatInterval(zeroRouter)],
    ['gain over it', formatInterval(gain, formatDifference)],
    [
      'price of cost',
      `${price.start.toPrecision(3)} at the start, ${price.least.toPrecision(3)} to ${price.most.toPrecision(3)}, ${price.end.toPrecision(3)} at the end (quality per USD)`,
    ],
  ])
}

function diagnostics({ policy, dropped }: ReplayResult): Insert {
  const { oracle, bestSingle, classHindsight } = policy.regret
  const rows: [string, Insert][] = [
    ['regret against the oracle', formatInterval(oracle)],
    ['regret against the best single arm', formatInterval(bestSingle)],
    ['regret against the best arm per class', formatInterval(classHindsight)],
    ['expected reward', formatInterval(policy.expectedReward)],
    ['realised reward', formatInterval(policy.realisedReward)],
    ...(policy.lastThird === undefined
      ? []
      : [['reward, last third', formatInterval(policy.lastThird)] as [string, Insert]]),
    ...(policy.overSeeds === undefined
      ? []
      : [['realised reward over seeds alone', formatInterval(policy.overSeeds)] as [string, Insert]]),
    ['contaminated rows left out', dropped.contaminatedRows],
    ['rows left out for want of a cost', dropped.uncostedRows],
    ['rows left out for want of an arm', dropped.incompleteRows],
    [
      'arms left out',
      dropped.arms.length === 0
        ? 'none'
        : dropped.arms.map(({ arm, rows: on }) => `${arm} (on ${on} rows)`).join(', '),
    ],
  ]
  return renderTable(
    'What to look at before believing it',
    columns('figure', ['value']),
    rows.map(([name, value]) => ({ cells: [name, value] })),
  )
}

function methodFacts(result: ReplayResult, command: string | undefined): Insert {
  const { n, arms, seeds, training, method, warmStart } = result
  return renderFacts([
    ['rows × arms', `${n} × ${arms.length}`],
    ['seeds', seeds],
    ['reward', rewardText(result)],
    ['learning', training],
    ...(warmStart === undefined
      ? []
      : [['warm start', `every arm’s outcome on ${warmStart.join(', ')}`] as const]),
    ['intervals', method],
    ...(command === undefined ? [] : [['command', markup`<code>${command}</code>`] as const]),
  ])
}

function rewardText({ costWeight }: ReplayResult): string {
  return costWeight === 0
    ? 'Reward is quality.'
    : `Reward is quality − ${costWeight} · cost / mean cost of the dearest arm.`
}

function columns(first: string, numeric: readonly string[], words: readonly string[] = []): TableColumn[] {
  return [
    { title: first },
    ...numeric.map((title) => ({ title, numeric: true })),
    ...words.map((title) => ({ title })),
  ]
}

function optional(value: RouterFigures['aiq'], format = formatNumber): string {
  return value === undefined ? '' : formatInterval(value, format)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function perThousand({ costUsd }: RouterFigures): string {
  return formatNumber(costUsd.mean * REQUESTS_PER_COST)
}
