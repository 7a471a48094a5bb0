/** A replay as the JSON that scripts rely on. Values with an interval are `{ mean, lo, hi }`; a bound nobody knows is null. */
import type { ReplayResult } from '../replay/types.ts'

export interface ReplayJson extends Omit<ReplayResult, 'verdict'> {
  /** The sentence; the figures behind it are in `gain`. */
  readonly verdict: string
  readonly significant: boolean
  readonly gain: ReplayResult['verdict']['gain']
}

/** Plain data for `JSON.stringify`; money is USD per request. */
export function toReplayJson(result: ReplayResult): ReplayJson {
  const { verdict, ...rest } = result
  return { ...rest, verdict: verdict.text, significant: verdict.significant, gain: verdict.gain }
}
