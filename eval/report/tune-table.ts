/** A search as text for a terminal. */
import Table from 'cli-table3'
import { policyName } from '../policy-name.ts'
import type { TuneResult } from '../tune.ts'
import { titleOf } from './baseline-titles.ts'
import { formatDifference, formatInterval, formatNumber } from './format.ts'

const DAY_MS = 86_400_000
const LABEL_WIDTH = 15

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
