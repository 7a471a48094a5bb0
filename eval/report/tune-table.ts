/** A search as text for a terminal. */
import Table from 'cli-table3'
import { policyName } from '../policy-name.ts'
import type { LogTuneResult } from '../tune/log.ts'
import type { TuneResult } from '../tune.ts'
import { titleOf } from './baseline-titles.ts'
import { formatDifference, formatInterval, formatNumber } from './format.ts'

const DAY_MS = 86_400_000
const LABEL_WIDTH = 15
const TRIALS_SHOWN = 8

/** The finalists, the honest number beside the baselines, and what it means. No colour; ends with a newline. */
export function renderTuneTable({
  dataset,
  rows,
  arms,
  finalists,
  tuning,
  title,
  complete,
}: TuneResult): string {
  const table = new Table({
    head: [
      'policy',
      'floor',
      'text',
      'scales: class, structure, text',
      'samples',
      'half-life',
      `${title}, inner`,
    ],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right'],
  })
  for (const { setting, score } of finalists) {
    const { policy, floor, textComponents, priorScale, effectiveSamples, qualityHalfLifeMs } = setting
    table.push([
      policyName(policy),
      floor,
      textComponents,
      `${priorScale.class}, ${priorScale.structure}, ${textComponents === 0 ? '–' : priorScale.text}`,
      effectiveSamples,
      `${qualityHalfLifeMs / DAY_MS} d`,
      formatNumber(score),
    ])
  }
  const { heldOut, inner, trials, seed } = tuning
  const significant = heldOut.gain.lo > 0 ? 'significant gain' : 'no significant gain'
  const lines: [string, string][] = [
    [
      'held out',
      `${title} ${formatInterval(heldOut.value)} on ${heldOut.rows} rows that the search never saw`,
    ],
    ...Object.entries(heldOut.beside).map(([name, value]): [string, string] => [
      '',
      `${titleOf(name)} ${formatInterval(value)}`,
    ]),
    [
      'search',
      `${trials} settings, seed ${seed}, ${inner.folds} inner folds${complete ? '' : '; ended by the clock: another run may differ'}`,
    ],
  ]
  return `${[
    `${dataset}: ${rows} rows × ${arms.length} arms, ${title}`,
    table.toString(),
    ...lines.map(([label, text]) => `${label.padEnd(LABEL_WIDTH)} ${text}`),
    `${significant} over the zero router: ${formatInterval(heldOut.gain, formatDifference)}`,
  ].join('\n')}\n`
}

/** The settings that the log could tell apart, and the verdict on decisions that the search never saw; or why there is none. */
export function renderLogTuneTable({ file, trials, evaluation }: LogTuneResult): string {
  const { objective } = evaluation
  const table = new Table({
    head: [
      'policy',
      'floor',
      'scales: class, structure, text',
      'samples',
      `${objective} more than the log’s`,
    ],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  })
  for (const { settings, difference } of trials.slice(0, TRIALS_SHOWN)) {
    const { policy, floor, priorScale, effectiveSamples } = settings
    table.push([
      policyName(policy),
      floor,
      [priorScale.class ?? 1, priorScale.structure ?? 1, priorScale.text ?? 1].join(', '),
      effectiveSamples,
      difference === undefined
        ? 'no estimate'
        : formatInterval({ mean: difference.value, ...difference }, formatDifference),
    ])
  }
  const tuning = file?.provenance.tuning
  const held =
    tuning === undefined
      ? [
          'no estimate, so no file:',
          ...evaluation.reasons.map(({ code, message }) => `  ${message} (${code})`),
        ]
      : [
          `held out        ${objective} ${formatInterval(tuning.heldOut.value)} on ${tuning.heldOut.rows} decisions that the search never saw; the log’s ${formatInterval(tuning.heldOut.beside['logged']!)}`,
          `${tuning.heldOut.gain.lo > 0 ? 'significant gain' : 'no significant gain'} over the log: ${formatInterval(tuning.heldOut.gain, formatDifference)}`,
        ]
  return `${[`${trials.length} settings on a log, by doubly robust estimates`, table.toString(), ...held].join('\n')}\n`
}
