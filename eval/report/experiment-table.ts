/** A readout of an experiment as text for a terminal. */
import Table from 'cli-table3'
import type { Comparison, Readout } from '../experiments/index.ts'
import { effectText, intervalText, policyText, pText, startText, valueText } from './experiment-words.ts'

/** Ends with a newline. */
export function renderExperimentReport(readout: Readout): string {
  const { experiment, hypothesis, status, run, verdict, alarms, comparisons, missing, segments } = readout
  return [
    `experiment ${experiment}, ${status}${run > 0 ? `, run ${run}` : ''}${startText(readout)}`,
    hypothesis,
    '',
    verdict.says,
    ...alarms.map(({ code, message }) => `ALARM ${code}: ${message}`),
    '',
    variantsTable(readout),
    comparisonsTable(comparisons),
    ...missing.map(({ metric, variant, why }) => `${metric} of ${variant}: ${why}`),
    ...segments.map(
      ({ by, variant, metric, heterogeneityPValue }) =>
        `${metric} of ${variant} by ${by}: ${heterogeneityPValue < 0.01 ? 'differs' : 'no difference shown'} (p ${pText(heterogeneityPValue)})`,
    ),
    ...powerLines(readout),
    'Intervals and p-values of the "any time" columns hold at every look; those of "once" at the planned size only.',
    '',
  ]
    .filter((line, at, lines) => line !== '' || lines[at - 1] !== '')
    .join('\n')
}

function variantsTable({ variants }: Readout): string {
  const table = new Table({
    head: ['variant', 'policy', 'share', 'units', 'requests', ''],
    style: { head: [], border: [], compact: true },
  })
  for (const { variant, policy, weight, units, requests, stopped } of variants) {
    const share = `${(100 * weight).toFixed(1)} %`
    table.push([variant, policyText(policy), share, units, requests, stopped === undefined ? '' : 'stopped'])
  }
  return table.toString()
}

function comparisonsTable(comparisons: readonly Comparison[]): string {
  const head = [
    'metric',
    'role',
    'variant',
    'control',
    'value',
    'effect',
    'any time',
    'p',
    'once',
    'p',
    'better?',
    'verdict',
  ]
  const table = new Table({ head, style: { head: [], border: [], compact: true } })
  for (const each of comparisons) {
    const { metric, role, variant, control, treatment, alwaysValid, fixed, bayes, verdict } = each
    table.push([
      metric,
      role,
      variant,
      valueText(control.value),
      valueText(treatment.value),
      effectText(each, each.effect),
      intervalText(each, alwaysValid),
      pText(alwaysValid.pValue),
      intervalText(each, fixed),
      pText(fixed.pValue),
      `${(100 * bayes.chanceToBeBetter).toFixed(0)} %`,
      verdict.replaceAll('_', ' '),
    ])
  }
  return table.toString()
}

function powerLines({ power, unit }: Readout): readonly string[] {
  if (power === undefined) return []
  const { detectable, furtherUnits, furtherDays } = power
  const now = `Now an effect of ${(100 * detectable).toFixed(1)} % on the primary metric would be found with probability 0.8.`
  if (furtherUnits === undefined) return [now]
  const more =
    furtherUnits === 0
      ? 'The declared effect would be found by now.'
      : `For the declared effect ${furtherUnits.toLocaleString('en')} further ${unit}s are needed${furtherDays === undefined ? '' : `, ${furtherDays.toFixed(1)} days at this pace`}.`
  return [now, more]
}
