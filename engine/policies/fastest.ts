import type { PolicySpec } from '../types.ts'
import { argmin, certain, type Policy } from './policy.ts'

/** The arm that is expected to have answered this request first, to the last token. */
export const fastest: Policy<Extract<PolicySpec, { name: 'fastest' }>> = {
  name: 'fastest',
  distribution: ({ latencyMs }) => certain(latencyMs.length, argmin(latencyMs)),
  exploit: (input, spec) => fastest.distribution(input, spec),
}
