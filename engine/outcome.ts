import type { ArmId, Decision, Observation, Outcome } from './types.ts'
/** What the speed, length and success heads learn from one upstream call. */
export declare function observationsFromOutcome(decision: Decision, outcome: Outcome, atMs: number): Observation[]
/** What the quality head learns from one feedback value in [0, 1]. */
export declare function qualityObservation(decision: { readonly id: Decision['id']; readonly featureSpace: Decision['featureSpace']; readonly x: Float64Array }, arm: ArmId, quality: number, atMs: number, weight: number): Observation
