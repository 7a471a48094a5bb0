/** When something came to pass, in the words of whoever tells. */

/** Clocks of other machines may be ahead so far. */
const AHEAD_MS_MAX = 5 * 60_000

/**
 * Unix ms; undefined where no time was given.
 * @param ts ISO 8601 or Unix ms
 * @param refuse makes the error for a time that has not come yet, or before 1970: so programs write that they have none
 */
export function eventTime(
  ts: string | number | undefined,
  nowMs: number,
  refuse: (message: string) => Error,
): number | undefined {
  const atMs = typeof ts === 'string' ? Date.parse(ts) : ts
  if (atMs !== undefined && atMs < 0) throw refuse(`${ts} lies before 1970; leave it out for now`)
  if (atMs === undefined || atMs <= nowMs + AHEAD_MS_MAX) return atMs
  throw refuse(`${new Date(atMs).toISOString()} lies in the future`)
}
