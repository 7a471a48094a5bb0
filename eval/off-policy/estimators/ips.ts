import { type RowValue, weighted } from './row-value.ts'

/**
 * Inverse propensity scoring: mean(w r). Without bias where the logged propensities are right and every arm that the target
 * may draw could have been drawn; its variance grows with that of the weights, and with the distance of rewards from 0.
 *
 * Horvitz & Thompson 1952; for policies Strehl, Langford, Li & Kakade 2010 (arXiv:1003.0120).
 */
export const ips: RowValue = weighted('ips', (weight) => weight)
