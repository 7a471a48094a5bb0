import type { PolicySpec } from '../types.ts'
import { argmin, certain, type Policy } from './policy.ts'

/**
 * The arm whose last turn is longest ago, for certain; among those that never had one, the first. Over the same arms this
 * goes round in the order of their ids; an arm that comes back is next, once, and two lists of arms that take turns with
 * each other do not fall into step. The router keeps the turns, snapshots included.
 *
 * The propensity is 1, not 1/K: whoever knows the turns knows the arm, and what comes every K-th request may well differ
 * from the rest. Such a log supports no other arm; equal `weights`, or a floor, make one that does. Replicas go round each
 * on their own.
 */
export const roundRobin: Policy<Extract<PolicySpec, { name: 'round-robin' }>> = {
  name: 'round-robin',
  distribution: ({ lastTurn }) => certain(lastTurn.length, argmin(lastTurn)),
  exploit: (input, spec) => roundRobin.distribution(input, spec),
}
