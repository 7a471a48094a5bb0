/** Keeps out what belongs to another feature space, and what is no number: merged, it would be nonsense that nothing shows. */
import { EngineError } from './errors.ts'
import type { FeatureSpace } from './feature-space.ts'
import type { LinearSums } from './head-memory.ts'
import { packedLength } from './linalg.ts'
import type { HeadName, HeadSums, Observation } from './types.ts'

/** @throws {EngineError} `engine_snapshot_mismatch`, also for a number that is not finite */
export function checkSums(sums: readonly HeadSums[], space: FeatureSpace): void {
  for (const entry of sums) {
    const { arm, head, featureSpace, A, b } = entry
    const dimension = dimensionOf(head, space)
    if (featureSpace !== space.id || b.length !== dimension || A.length !== packedLength(dimension)) {
      throw new EngineError(
        'engine_snapshot_mismatch',
        `sums of ${arm}/${head} are of feature space ${featureSpace} with ${b.length} coordinates; this router's is ${space.id} with ${dimension}`,
      )
    }
    if (!areFinite(entry)) {
      throw new EngineError(
        'engine_snapshot_mismatch',
        `sums of ${arm}/${head} have a number that is not finite; leave them out, or form them anew from the examples`,
      )
    }
  }
}

export function areFinite({ asOfMs, n, c, A, b, sinceMs = 0 }: Readonly<LinearSums>): boolean {
  return (
    [asOfMs, n, c, sinceMs].every(Number.isFinite) && A.every(Number.isFinite) && b.every(Number.isFinite)
  )
}

/** @throws {EngineError} `engine_bad_observation`, also for a number that is not finite */
export function checkObservations(observations: readonly Observation[], space: FeatureSpace): void {
  // Those of one answer share their context.
  let known: Float64Array | undefined
  for (const observation of observations) {
    checkObservation(observation, space, observation.x === known)
    known = observation.x
  }
}

function checkObservation(observation: Observation, space: FeatureSpace, isKnown: boolean): void {
  const { arm, head, featureSpace, x, y, weight, atMs } = observation
  const dimension = dimensionOf(head, space)
  if (featureSpace !== space.id || x.length !== dimension) {
    throw new EngineError(
      'engine_bad_observation',
      `observation of ${arm}/${head} is of feature space ${featureSpace} with ${x.length} coordinates; this router's is ${space.id} with ${dimension}`,
    )
  }
  if (!Number.isFinite(y + weight + atMs) || !(isKnown || allFinite(x))) {
    throw new EngineError(
      'engine_bad_observation',
      `observation of ${arm}/${head} has a number that is not finite`,
    )
  }
}

/** A sum of finite numbers that is not finite would be of numbers beyond 1e300, and those are no observation either. */
function allFinite(x: Float64Array): boolean {
  let total = 0
  for (let i = 0; i < x.length; i++) total += x[i]!
  return Number.isFinite(total)
}

function dimensionOf(head: HeadName, space: FeatureSpace): number {
  if (head === 'success') return 1
  return head === 'quality' ? space.dimension : space.servingDimension
}
