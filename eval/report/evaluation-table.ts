/** An evaluation as text for a terminal. */
import Table from 'cli-table3'
import { isLessBetter } from '../gate/rules.ts'
import type { Evaluation } from '../off-policy/evaluation.ts'
import { LEFT_OUT_MEANING } from '../off-policy/logged-row.ts'
import { type Estimate, VALUES } from '../off-policy/types.ts'
import { amountIn, gainIn, titleIn } from './evaluation-units.ts'

const SLICES_SHOWN = 15
const LABEL_WIDTH = 15

/** What was judged, the numbers or why there are none, and what to read them with. No colour; ends with a newline. */
export function renderEvaluationTable(evaluation: Evaluation): string {
  const { refused, reasons, warnings } = evaluation
  const lines = [heading(evaluation)]
  if (refused) {
    lines.push('no estimate:', ...reasons.map(({ code, message }) => `  ${code}: ${message}`))
  } else {
    lines.push(valuesTable(evaluation), estimatesTable(evaluation), ...slices(evaluation))
  }
  lines.push(...details(evaluation).map(([label, text]) => `${label.padEnd(LABEL_WIDTH)} ${text}`))
  lines.push(...warnings.map(({ code, message }) => `careful: ${message} (${code})`))
  lines.push(verdictOf(evaluation))
  return `${lines.join('\n')}\n`
}

/** One sentence on whether the target is better. */
export function verdictOf({
  refused,
  reasons,
  objective,
  values,
  target,
  against,
  level,
}: Evaluation): string {
  if (refused) return `no estimate of ${target}: ${reasons.map(({ code }) => code).join(', ')}`
  const difference = values[objective]?.difference
  if (difference === undefined) return `no difference in ${objective} to tell`
  const isUp = difference.lo > 0
  const isDown = difference.hi < 0
  const shown = gainIn(objective, difference)
  const percent = `${Number((100 * level).toPrecision(4))} %`
  if (!isUp && !isDown) {
    return `no significant difference in ${objective} between ${target} and ${against}: ${shown}`
  }
  const isBetter = isUp !== isLessBetter(objective)
  return `${target} is ${isBetter ? 'better' : 'worse'} than ${against} in ${objective}, by ${shown} (${percent})`
}

function heading({ target, against, logged, objective, level }: Evaluation): string {
  const span = logged.n === 0 ? '' : `, ${logged.from} to ${logged.to}`
  return `${target} against ${against} on ${logged.n} decisions${span}; objective ${objective}, intervals of ${Number((100 * level).toPrecision(4))} %`
}

function valuesTable({ values, target, against }: Evaluation): string {
  const table = tableOf(['value', target, against, 'difference'])
  for (const value of VALUES) {
    const compared = values[value]
    if (compared === undefined) continue
    table.push([
      titleIn(value),
      amountIn(value, compared.target),
      amountIn(value, compared.logged),
      gainIn(value, compared.difference),
    ])
  }
  return table.toString()
}

function estimatesTable({ estimates, objective, sensitivity }: Evaluation): string {
  const table = tableOf(['estimator', titleIn(objective), 'bias of the switch'])
  for (const [name, estimate] of Object.entries(estimates)) {
    // Stands below with its thresholds.
    if (name !== 'switch_dr') table.push([name, amountIn(objective, estimate), ''])
  }
  for (const [threshold, estimate] of Object.entries(sensitivity.switchDr)) {
    const bias = gainIn(objective, estimate.bias)
    table.push([`switch_dr, weights to ${threshold}`, amountIn(objective, estimate), bias])
  }
  return table.toString()
}

function slices({ slices: { class: classes, tenant, arm }, objective }: Evaluation): string[] {
  const tables: string[] = []
  const arms = tableOf(['arm', 'drawn', 'share logged', 'share of target', titleIn(objective)])
  for (const [name, { drawn, loggedShare, targetShare, value }] of Object.entries(arm)) {
    const worth: Estimate | undefined = value
    arms.push([
      name,
      drawn,
      share(loggedShare),
      share(targetShare),
      worth === undefined ? '' : amountIn(objective, worth),
    ])
  }
  tables.push(arms.toString())
  for (const [kind, parts] of [
    ['class', classes],
    ['tenant', tenant],
  ] as const) {
    const entries = Object.entries(parts).sort(([, a], [, b]) => b.rows - a.rows)
    if (entries.length < 2) continue
    const table = tableOf([kind, 'decisions', titleIn(objective), 'difference'])
    for (const [name, { rows, target, difference }] of entries.slice(0, SLICES_SHOWN)) {
      table.push([name || '(none)', rows, amountIn(objective, target), gainIn(objective, difference)])
    }
    const more = entries.length - SLICES_SHOWN
    tables.push(
      table.toString(),
      `intervals by ${kind} hold together (Bonferroni over ${entries.length})${more > 0 ? `; ${more} more in the JSON` : ''}`,
    )
  }
  return tables
}

function details({
  diagnostics,
  logged,
  read,
  leftOut,
  sensitivity,
  objective,
}: Evaluation): [string, string][] {
  const { ess, maxWeightShare, meanWeightZ, outsideSupport, toldShare, recomputed } = diagnostics
  const lines: [string, string][] = []
  const reasons = Object.entries(leftOut) as [keyof typeof LEFT_OUT_MEANING, number][]
  for (const [reason, count] of reasons) {
    lines.push(['left out', `${count} of ${read} ${reason}: ${LEFT_OUT_MEANING[reason]}`])
  }
  if (logged.n === 0) return lines
  lines.push([
    'weights',
    `effective sample size ${ess.toFixed(0)} of ${logged.n}, largest share ${share(maxWeightShare)}, mean ${Math.abs(meanWeightZ).toFixed(2)} standard errors from 1, outside support ${share(outsideSupport)}`,
  ])
  const worst = diagnostics.propensities?.arms.reduce(
    (most, { arm, calibrationZ }) =>
      Math.abs(calibrationZ) > Math.abs(most.z) ? { arm, z: calibrationZ } : most,
    { arm: '', z: 0 },
  )
  if (worst !== undefined) {
    lines.push([
      'propensities',
      `draws within ${Math.abs(worst.z).toFixed(2)} standard errors of them${worst.arm && `, ${worst.arm} the farthest`}`,
    ])
  }
  if (recomputed.redrawn > 0) {
    lines.push([
      'recomputed',
      `${recomputed.redrawn - recomputed.redrawnOtherwise} of ${recomputed.redrawn} draws alike; ${recomputed.recomputedAlike} of ${recomputed.recomputed} distributions alike, ${share(recomputed.meanDistance)} apart on average${recomputed.undetermined === 0 ? '' : `; ${recomputed.undetermined} also go by how new arms were`}`,
    ])
  }
  lines.push(['told', `${objective} of ${share(toldShare[objective] ?? 0)} of the decisions`])
  if (sensitivity.untold !== undefined) {
    const { lowest, highest, worstDifference, bestDifference } = sensitivity.untold
    lines.push([
      'untold',
      `if all were lowest ${amountIn(objective, lowest)}, highest ${amountIn(objective, highest)}; difference from ${gainIn(objective, worstDifference)} to ${gainIn(objective, bestDifference)}`,
    ])
  }
  return lines
}

function tableOf(head: string[]) {
  return new Table({
    head,
    style: { head: [], border: [], compact: true },
    colAligns: ['left', ...head.slice(1).map(() => 'right' as const)],
  })
}

function share(of: number): string {
  return `${(100 * of).toFixed(of > 0 && of < 0.001 ? 3 : 1)} %`
}
