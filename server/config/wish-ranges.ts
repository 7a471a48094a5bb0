/**
 * How far wishes may go, in the configuration and in requests. Far beyond what anybody means, utilities and their squares leave
 * what a double holds, and the probabilities made of them are none.
 */

/** USD or seconds for one percentage point of quality. */
export const RATE_MIN = 1e-9
export const RATE_MAX = 1e9
/** Quality's weight divides the others. */
export const QUALITY_WEIGHT_MIN = 1e-6
export const WEIGHT_MAX = 1e6
