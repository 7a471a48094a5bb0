/** When something came to pass, in the words of whoever tells. */

/** Clocks of other machines may be ahead so far. */
const AHEAD_MS_MAX = 5 * 60_000

/**
 * Unix ms, `nowMs` at the latest; undefined where no time was given. What a clock that is a little ahead has dated counts as now: heads
 * bring their sums to the latest time they have seen, so that one with a short memory would weigh what comes until then as old.
 *
 * @param ts ISO 8601 or Unix ms
 * @param refuse makes the error for a time further ahead, or before 1970: so programs write that they have none
 */
export function eventTime(
  ts: string | number | undefined,
  nowMs: number,
  refuse: (message: string) => Error,
): number | undefined {
  const atMs = typeof ts === 'string' ? Date.parse(ts) : ts
  if (atMs === undefined) return undefined
  if (atMs < 0) throw refuse(`${ts} lies before 1970; leave it out for now`)
  if (atMs <= nowMs + AHEAD_MS_MAX) return Math.min(atMs, Math.floor(nowMs))
  throw refuse(
    `${new Date(atMs).toISOString()} lies in the future: it is ${new Date(nowMs).toISOString()} here; set the clock, or leave ts out for now`,
  )
}
