/**
 * Prints the tables of docs/experiments.md: how often each reading of an experiment finds something where there is nothing, and
 * where there is something.
 *
 *     node docs/figures/experiments.ts [experiments] [seed]      (default: 2000 1; some two minutes)
 */
import { powerAt } from '../../eval/index.ts'
import { adaptiveStudy } from '../../test/helpers/adaptive-study.ts'
import {
  differenceError,
  peekingStudy,
  plannedUnits,
  rateError,
  SIMULATED_METRICS,
} from '../../test/helpers/peeking-study.ts'

const [count = '2000', seedText = '1'] = process.argv.slice(2)
const experiments = Number(count)
const seed = Number(seedText)
const alpha = 0.05
const percent = (rate: number) => `${(100 * rate).toFixed(1)} %`
const row = (...cells: readonly string[]) => console.log(`| ${cells.join(' | ')} |`)

console.log(
  `Nothing to find: ${experiments} experiments of 4,000 units, looked at 40 times; α = ${alpha}, so that`,
)
console.log(`a rate of ${percent(alpha)} comes out within ± ${percent(2 * rateError(alpha, experiments))}.\n`)
row(
  'metric',
  'fixed, once',
  'fixed, peeking',
  'always valid, peeking',
  'harm, peeking',
  'mSPRT, peeking',
  'mismatch at 0.001',
)
row('---', '---:', '---:', '---:', '---:', '---:', '---:')
for (const metric of SIMULATED_METRICS) {
  const found = peekingStudy({ metric, experiments, units: 4_000, every: 100, shift: 0, alpha, seed })
  const { fixed, fixedPeeking, alwaysValid, harm, msprt, mismatch } = found
  row(
    metric.name,
    ...[fixed, fixedPeeking, alwaysValid, harm, msprt, mismatch].map((n) => percent(n / experiments)),
  )
}

console.log('\nSomething to find, 0.1 standard deviations; units for a power of 80 % at the planned size.\n')
row(
  'metric',
  'units',
  'fixed: planned',
  'found',
  'always valid at the end: planned',
  'found',
  'always valid at any look',
)
row('---', '---:', '---:', '---:', '---:', '---:', '---:')
for (const metric of SIMULATED_METRICS) {
  const units = plannedUnits(0.1, 0.8)
  const shift = 0.1 * Math.sqrt(metric.variance)
  const se = differenceError(metric, units, shift)
  const found = peekingStudy({ metric, experiments, units, every: 100, shift, alpha, seed })
  row(
    metric.name,
    units.toLocaleString('en'),
    percent(powerAt(shift, se, units)),
    percent(found.fixed / experiments),
    percent(powerAt(shift, se, units, { reading: 'always_valid', tunedFor: units })),
    percent(found.alwaysValidAtEnd / experiments),
    percent(found.alwaysValid / experiments),
  )
}

console.log(
  `\nAdaptive weights (top-two, least share 0.05) among two equals: ${experiments} experiments of 3,000 units, weights anew every 50.\n`,
)
const adaptive = adaptiveStudy({ experiments, units: 3_000, every: 50, alpha, seed })
row('', 'plain means', 'weighted by the inverse of the probability')
row('---', '---:', '---:')
row('bias of the control’s mean', adaptive.plainBias.toFixed(4), adaptive.weightedBias.toFixed(4))
row('fixed, once', percent(adaptive.plainOnce / experiments), percent(adaptive.weightedOnce / experiments))
row('always valid, peeking', '', percent(adaptive.alwaysValid / experiments))
