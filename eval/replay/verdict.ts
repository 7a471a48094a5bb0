import type { Interval } from '../intervals/interval.ts'
import { formatDifference, formatInterval } from '../report/format.ts'
import type { Verdict } from './types.ts'

/** A gain is significant when its whole interval lies above zero. */
export function verdictOf(gain: Interval): Verdict {
  const significant = gain.lo > 0
  const words = significant ? 'significant gain' : 'no significant gain'
  return {
    significant,
    gain,
    text: `${words} over the zero router at equal cost: ${formatInterval(gain, formatDifference)}`,
  }
}
