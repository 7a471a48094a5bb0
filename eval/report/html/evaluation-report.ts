/** An evaluation as one HTML file. */
import { isLessBetter } from '../../gate/rules.ts'
import type { Evaluation } from '../../off-policy/evaluation.ts'
import { LEFT_OUT_MEANING, type LeftOut } from '../../off-policy/logged-row.ts'
import { VALUES } from '../../off-policy/types.ts'
import { verdictOf } from '../evaluation-table.ts'
import { amountIn, gainIn, titleIn } from '../evaluation-units.ts'
import { formatNumber } from '../format.ts'
import { renderBanner, renderRefusal } from './banner.ts'
import { type Insert, markup } from './markup.ts'
import { type ReportSection, renderFacts, renderPage } from './page.ts'
import { type PlotSeries, renderPlot } from './plot.ts'
import { renderTable } from './table.ts'

const REQUESTS_PER_COST = 1_000
/** The rest is in the JSON. */
const ROWS_SHOWN = 50

/**
 * @param command what makes the report again, for its foot
 * @returns the document
 */
export function renderEvaluationReport(evaluation: Evaluation, command?: string): string {
  const { target, against, logged, objective, level, refused } = evaluation
  const numbers: ReportSection[] = refused
    ? []
    : [
        { id: 'values', title: 'What it would be worth', body: valuesTable(evaluation) },
        { id: 'cost-quality', title: 'Cost and quality', body: costQuality(evaluation) },
        { id: 'estimators', title: 'By estimator', body: estimatorsTable(evaluation) },
        { id: 'classes', title: 'By request class', body: sliceTable(evaluation, 'class') },
        { id: 'tenants', title: 'By tenant', body: sliceTable(evaluation, 'tenant') },
        { id: 'arms', title: 'By arm', body: armsTable(evaluation) },
      ]
  return renderPage({
    title: `${target} against ${against}`,
    lead: `Judged on ${logged.n} logged decisions${logged.n === 0 ? '' : `, ${logged.from} to ${logged.to}`}. Objective ${objective}, intervals of ${percent(level)}.`,
    banner: [banner(evaluation), careful(evaluation)],
    sections: [
      ...numbers,
      { id: 'calibration', title: 'Propensities', body: calibration(evaluation) },
      { id: 'diagnostics', title: 'Diagnostics', body: diagnostics(evaluation, command) },
      { id: 'told', title: 'What was told', body: toldTable(evaluation) },
    ],
  })
}

function banner(evaluation: Evaluation): Insert {
  const { refused, reasons, values, objective } = evaluation
  if (refused) return renderRefusal(reasons)
  const difference = values[objective]?.difference
  const isUp = difference !== undefined && difference.lo > 0
  const isDown = difference !== undefined && difference.hi < 0
  const isBetter = isLessBetter(objective) ? isDown : isUp
  const tone = isBetter ? 'good' : isUp || isDown ? 'bad' : 'warn'
  return renderBanner(tone, verdictOf(evaluation))
}

function careful({ warnings }: Evaluation): Insert {
  if (warnings.length === 0) return undefined
  const items = warnings.map(({ code, message }) => markup`<li>${message} <code>${code}</code></li>`)
  return renderBanner('warn', 'Careful', markup`<ul>${items}</ul>`)
}

function valuesTable({ values, target, against, level }: Evaluation): Insert {
  return renderTable(
    `By cross-fitted DR, with ${percent(level)} intervals; differences are paired`,
    ['value', target, against, 'difference'].map((title, i) => ({ title, numeric: i > 0 })),
    VALUES.flatMap((value) => {
      const compared = values[value]
      if (compared === undefined) return []
      const cells = [
        titleIn(value),
        amountIn(value, compared.target),
        amountIn(value, compared.logged),
        gainIn(value, compared.difference),
      ]
      return [{ cells }]
    }),
  )
}

function costQuality({ values, target, against }: Evaluation): Insert {
  const { cost_usd: cost, quality } = values
  if (cost === undefined || quality === undefined) return markup`<p>The log tells no cost or no quality.</p>`
  const pointOf = (side: 'target' | 'logged'): PlotSeries['points'][number] => ({
    x: cost[side].value * REQUESTS_PER_COST,
    xLo: cost[side].lo * REQUESTS_PER_COST,
    xHi: cost[side].hi * REQUESTS_PER_COST,
    y: quality[side].value,
    lo: quality[side].lo,
    hi: quality[side].hi,
  })
  return renderPlot({
    id: 'plot-cost-quality',
    title: 'Quality against cost',
    description: 'What both policies are worth and cost; bars are intervals.',
    x: { label: 'USD per 1,000 requests', format: (usd) => `$${Number(usd.toPrecision(3))}` },
    y: { label: 'mean quality', format: formatNumber },
    series: [
      { name: target, mark: 'dots', tone: 0, points: [pointOf('target')] },
      { name: against, mark: 'dots', tone: 1, points: [pointOf('logged')] },
    ],
  })
}

function estimatorsTable({ estimates, sensitivity, objective }: Evaluation): Insert {
  const rows = Object.entries(estimates).filter(([name]) => name !== 'switch_dr')
  const switched = Object.entries(sensitivity.switchDr)
  const { untold } = sensitivity
  const table = renderTable(
    `${titleIn(objective)} of the target`,
    [
      { title: 'estimator' },
      { title: titleIn(objective), numeric: true },
      { title: 'bias of the switch', numeric: true },
    ],
    [
      ...rows.map(([name, estimate], i) => ({
        cells: [name, amountIn(objective, estimate), ''],
        main: i === 0,
      })),
      ...switched.map(([threshold, estimate]) => ({
        cells: [
          `switch_dr, weights to ${threshold}`,
          amountIn(objective, estimate),
          gainIn(objective, estimate.bias),
        ],
      })),
      ...(untold === undefined
        ? []
        : [
            { cells: ['if all untold were lowest', amountIn(objective, untold.lowest), ''] },
            { cells: ['if all untold were highest', amountIn(objective, untold.highest), ''] },
          ]),
    ],
  )
  return [
    table,
    markup`<p>switch_dr leaves rows of larger weights to the model. Its bias is by how much that moves the value on the same rows; its own interval does not have that in it.</p>`,
  ]
}

function sliceTable({ slices, objective }: Evaluation, kind: 'class' | 'tenant'): Insert {
  const entries = Object.entries(slices[kind]).sort(([, a], [, b]) => b.rows - a.rows)
  return renderTable(
    `Intervals hold together, by Bonferroni over ${entries.length}`,
    [kind, 'decisions', titleIn(objective), 'difference'].map((title, i) => ({ title, numeric: i > 0 })),
    entries.slice(0, ROWS_SHOWN).map(([name, { rows, target, difference }]) => ({
      cells: [name || '(none)', rows, amountIn(objective, target), gainIn(objective, difference)],
    })),
  )
}

function armsTable({ slices, objective }: Evaluation): Insert {
  return renderTable(
    `Where traffic would go, and what it would be worth there`,
    ['arm', 'drawn', 'share logged', 'share of target', titleIn(objective)].map((title, i) => ({
      title,
      numeric: i > 0,
    })),
    Object.entries(slices.arm).map(([name, { drawn, loggedShare, targetShare, value }]) => ({
      cells: [name, drawn, percent(loggedShare), percent(targetShare), value && amountIn(objective, value)],
    })),
  )
}

function calibration({ diagnostics: { propensities } }: Evaluation): Insert {
  if (propensities === undefined) return markup`<p>The log tells only the drawn arm’s probability.</p>`
  const { arms, n } = propensities
  const table = renderTable(
    'How often each arm was drawn, and how often its propensities say it should have been',
    ['arm', 'drawn', 'expected', 'z', 'smallest propensity'].map((title, i) => ({ title, numeric: i > 0 })),
    arms.map(({ arm, drawn, expected, calibrationZ, smallest }) => ({
      cells: [
        arm,
        drawn,
        expected.toFixed(1),
        calibrationZ.toFixed(2).replace('-', '−'),
        smallest.toPrecision(3),
      ],
    })),
  )
  const most = Math.max(...arms.map(({ drawn, expected }) => Math.max(drawn, expected) / n), 0)
  const plot = renderPlot({
    id: 'plot-calibration',
    title: 'Draws against propensities',
    description: 'Each arm’s share of draws against the mean of its propensities; on the line they agree.',
    x: { label: 'mean propensity', format: percent },
    y: { label: 'share of draws', format: percent },
    series: [
      {
        name: 'arms',
        mark: 'dots',
        tone: 0,
        points: arms.map(({ arm, drawn, expected }) => {
          const half = 2 * Math.sqrt(((expected / n) * (1 - Math.min(expected / n, 1))) / n)
          return { x: expected / n, y: drawn / n, lo: drawn / n - half, hi: drawn / n + half, label: arm }
        }),
      },
      {
        name: 'agreement',
        mark: 'line',
        tone: 1,
        points: [
          { x: 0, y: 0 },
          { x: most, y: most },
        ],
      },
    ],
  })
  return [plot, table]
}

function diagnostics(
  { diagnostics: found, read, leftOut, logged }: Evaluation,
  command: string | undefined,
): Insert {
  const { ess, maxWeightShare, meanWeightZ, outsideSupport, untold, recomputed, drift, effective } = found
  const reasons = Object.entries(leftOut) as [LeftOut, number][]
  return renderFacts([
    ['decisions read', read],
    ['that count', logged.n],
    ...reasons.map(
      ([reason, count]) => [`left out: ${reason}`, `${count}: ${LEFT_OUT_MEANING[reason]}`] as const,
    ),
    ['effective sample size', ess.toFixed(0)],
    ['effective for the standard error', (effective?.essVariance ?? 0).toFixed(0)],
    ['largest weight', `${(effective?.largest ?? 0).toPrecision(3)}, ${percent(maxWeightShare)} of all`],
    ['mean weight', `${Math.abs(meanWeightZ).toFixed(2)} standard errors from 1`],
    ['target outside support', percent(outsideSupport)],
    ['target where nobody tells', percent(untold)],
    ['draws repeated', `${recomputed.redrawn}, ${recomputed.redrawnOtherwise} of them otherwise`],
    [
      'distributions recomputed',
      `${recomputed.recomputed}, ${percent(recomputed.meanDistance)} apart on average`,
    ],
    [
      'class mix, first to last third',
      `${percent(drift.classMixDistance)} apart, ${percent(drift.classMixNoise)} by chance`,
    ],
    ...(command === undefined ? [] : [['command', markup`<code>${command}</code>`] as const]),
  ])
}

function toldTable({ diagnostics: { told }, objective }: Evaluation): Insert {
  const rows = told.toSorted((a, b) => b.rows - a.rows)
  return renderTable(
    `Of how many decisions the ${objective} was told, by class and drawn arm${rows.length > ROWS_SHOWN ? `: the ${ROWS_SHOWN} largest of ${rows.length}` : ''}`,
    ['class', 'arm', 'decisions', 'told'].map((title, i) => ({ title, numeric: i > 1 })),
    rows.slice(0, ROWS_SHOWN).map(({ class: name, arm, rows: count, share }) => ({
      cells: [name || '(none)', arm, count, percent(share)],
    })),
  )
}

/** Three digits, and no more than a reader has use for: what is next to nothing is 0. */
function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))
    .toFixed(share < 0.1 ? 2 : 1)
    .replace(/\.?0+$/, '')} %`
}
