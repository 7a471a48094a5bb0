/** What becomes of a value that was taken. */
export const REWARD_STATUSES = [
  'recorded',
  /** It took the place of an earlier value of its metric and kind of source. */
  'revised',
  /** It took one back. */
  'retracted',
  /** Its idempotency key was known. */
  'duplicate',
  /** Kept, but it came to pass after the metric's window and changes nothing. */
  'late',
] as const
export type RewardStatus = (typeof REWARD_STATUSES)[number]
