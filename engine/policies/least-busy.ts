import type { PolicySpec } from '../types.ts'
import { argmin, certain, type Policy } from './policy.ts'

/** The arm with the fewest calls running; when several have as few, the first of them. */
export const leastBusy: Policy<Extract<PolicySpec, { name: 'least-busy' }>> = {
  name: 'least-busy',
  distribution: ({ inFlight }) => certain(inFlight.length, argmin(inFlight)),
  exploit: (input, spec) => leastBusy.distribution(input, spec),
}
