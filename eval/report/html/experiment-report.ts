/** A readout of an experiment as one HTML file. */
import type { Readout, SegmentReadout } from '../../experiments/index.ts'
import { effectText, intervalText, policyText, pText, startText, valueText } from '../experiment-words.ts'
import { renderBanner, renderRefusal, type Tone } from './banner.ts'
import { type Insert, markup } from './markup.ts'
import { type ReportSection, renderFacts, renderPage } from './page.ts'
import { type PlotSeries, renderPlot } from './plot.ts'
import { renderTable } from './table.ts'

const TONE: Readonly<Record<Readout['verdict']['kind'], Tone>> = {
  winner: 'good',
  undecided: 'warn',
  too_early: 'warn',
  harm: 'bad',
  blocked: 'bad',
}

/** @returns the document */
export function renderExperimentPage(readout: Readout): string {
  const { experiment, hypothesis, status, verdict, alarms, segments } = readout
  const sections: (ReportSection | undefined)[] = [
    { id: 'comparisons', title: 'Against the control', body: comparisonsTable(readout) },
    { id: 'effects', title: 'Effects', body: effectsPlot(readout) },
    { id: 'words', title: 'In words', body: words(readout) },
    { id: 'variants', title: 'Variants and their split', body: variants(readout) },
    segments.length === 0
      ? undefined
      : { id: 'segments', title: 'By class, tenant and day', body: segments.map(segmentTable) },
    { id: 'method', title: 'Method', body: method(readout) },
  ]
  return renderPage({
    title: `Experiment ${experiment}`,
    lead: `${hypothesis === '' ? 'No hypothesis was declared' : `Hypothesis: ${hypothesis}`}. It is ${status}${startText(readout)}.`,
    banner: [
      alarms.length > 0 && renderRefusal(alarms, 'No number here can be believed before this is understood'),
      renderBanner(TONE[verdict.kind], verdict.says),
    ],
    sections: sections.filter((section) => section !== undefined),
  })
}

function comparisonsTable({ comparisons, missing }: Readout): Insert {
  const columns = [
    'metric',
    'variant',
    'control',
    'variant’s',
    'effect',
    'verdict',
    'at any time',
    'p',
    'once',
    'p',
    'better?',
  ]
  const rows = comparisons.map((each) => ({
    cells: [
      `${each.metric}, ${each.role}`,
      each.variant,
      valueText(each.control.value),
      valueText(each.treatment.value),
      effectText(each, each.effect),
      each.verdict.replaceAll('_', ' '),
      intervalText(each, each.alwaysValid),
      pText(each.alwaysValid.pValue),
      intervalText(each, each.fixed),
      pText(each.fixed.pValue),
      `${(100 * each.bayes.chanceToBeBetter).toFixed(0)} %`,
    ],
    main: each.role === 'primary',
  }))
  const table = renderTable(
    'Effects relative to the control, with intervals that hold at every look, and once, at the planned size; “better?” is the chance of it',
    columns.map((title, at) => ({ title, numeric: at >= 2 && at !== 5 })),
    rows,
  )
  const gaps = missing.map(({ metric, variant, why }) => markup`<li>${metric} of ${variant}: ${why}</li>`)
  return [table, gaps.length > 0 && markup`<ul>${gaps}</ul>`]
}

/** Of what has an interval on both sides; those of guardrails have one side, and often another scale. */
function effectsPlot({ comparisons }: Readout): Insert {
  const shown = comparisons.filter(
    ({ scale, alwaysValid: { lo, hi } }) => scale === 'relative' && lo !== null && hi !== null,
  )
  const byVariant = Map.groupBy(shown, ({ variant }) => variant)
  const series = [...byVariant].map(
    ([variant, own], tone): PlotSeries => ({
      name: variant,
      mark: 'dots',
      tone,
      points: own.map((each) => ({
        x: shown.indexOf(each) + 1,
        y: each.effect,
        lo: each.alwaysValid.lo ?? Number.NaN,
        hi: each.alwaysValid.hi ?? Number.NaN,
        label: `${each.metric}, ${variant}`,
      })),
    }),
  )
  return renderPlot({
    id: 'plot-effects',
    title: 'Relative effects',
    description:
      'Primary and secondary metrics of each variant against the control, with the interval that holds at every look. Guardrails, which are one-sided, are in the table.',
    x: { label: '', format: () => '', domain: [0, shown.length + 1] },
    y: { label: 'effect', format: (effect) => effectText({ scale: 'relative' }, effect) },
    series,
    references: [0],
  })
}

function words({ comparisons }: Readout): Insert {
  return markup`<ul>${comparisons.map(({ says }) => markup`<li>${says}</li>`)}</ul>`
}

function variants({ variants: all, sampleRatio }: Readout): Insert {
  const rows = all.map(({ variant, policy, weight, units, requests, stopped }) => ({
    cells: [variant, policyText(policy), `${(100 * weight).toFixed(1)} %`, units, requests, stopped ?? ''],
  }))
  const table = renderTable(
    'Who took part',
    ['variant', 'policy', 'share', 'units', 'requests', 'stopped because'].map((title, at) => ({
      title,
      numeric: at >= 2 && at <= 4,
    })),
    rows,
  )
  const { pValue, sequentialPValue, chi2, degrees } = sampleRatio
  return [
    table,
    markup`<p>Split: χ² ${valueText(chi2)} with ${degrees} degrees of freedom, p ${pText(pValue)}; at any look p ${pText(sequentialPValue)}. Below 0.001 nothing else here can be believed.</p>`,
  ]
}

function segmentTable({ by, variant, metric, heterogeneityPValue, segments }: SegmentReadout): Insert {
  const scale = { scale: 'relative' } as const
  return renderTable(
    `${metric} of ${variant} by ${by}: the same effect in all has p ${pText(heterogeneityPValue)}; intervals hold at one look each`,
    [
      { title: by },
      { title: 'units', numeric: true },
      { title: 'effect', numeric: true },
      { title: 'interval', numeric: true },
    ],
    segments.map(({ segment, n, effect, lo, hi }) => ({
      cells: [segment, n, effectText(scale, effect), intervalText(scale, { lo, hi })],
    })),
  )
}

function method(readout: Readout): Insert {
  const { alpha, plannedUnits, allocation, unit, comparisons, power } = readout
  const caps = comparisons.flatMap(({ metric, cappedAt }) =>
    cappedAt === undefined || cappedAt === null ? [] : `${metric} above ${valueText(cappedAt)}`,
  )
  const weighted = comparisons.some(({ weighting }) => weighting === 'inverse_propensity')
  return renderFacts([
    ['α', alpha],
    ['unit', unit],
    ['planned', `${plannedUnits} ${unit}s together`],
    [
      'allocation',
      weighted
        ? `${allocation}; shares changed on the way, so each unit is weighted by the inverse of its probability`
        : allocation,
    ],
    [
      'at any time',
      'asymptotic confidence sequence (Waudby-Smith et al. 2024), tightest at the planned size',
    ],
    ['once', 'Welch’s t test; its error is α only at the planned size'],
    ['secondary metrics', 'corrected for false discoveries (Benjamini and Hochberg)'],
    ['guardrails', 'one-sided, against the margin that was declared'],
    ['winsorized', caps.length === 0 ? 'nothing' : [...new Set(caps)].join(', ')],
    ...(power === undefined
      ? []
      : [['detectable now', `${(100 * power.detectable).toFixed(1)} % with probability 0.8`] as const]),
  ])
}
