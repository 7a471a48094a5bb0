import type { PolicySpec } from '../types.ts'
import { argmin, certain, type Policy } from './policy.ts'

/** The arm with the lowest expected cost of this request, answer length included. */
export const cheapest: Policy<Extract<PolicySpec, { name: 'cheapest' }>> = {
  name: 'cheapest',
  distribution: ({ costUsd }) => certain(costUsd.length, argmin(costUsd)),
  exploit: (input, spec) => cheapest.distribution(input, spec),
}
