/** Sums as JSON and back. */
import { EngineError } from './errors.ts'
import type { RouterSnapshot } from './router-types.ts'
import { type ArmId, type FeatureSpaceId, HEADS, type HeadSums } from './types.ts'

export const SNAPSHOT_VERSION = 1

export function writeSums(sums: readonly HeadSums[]): RouterSnapshot['sums'] {
  return sums.map(({ arm, head, asOfMs, n, A, b, c, sinceMs }) => ({
    arm,
    head,
    asOfMs,
    n,
    A: [...A],
    b: [...b],
    c,
    ...(sinceMs !== undefined && { sinceMs }),
  }))
}

/** @throws {EngineError} `engine_snapshot_mismatch` for another version, feature space or head */
export function readSums(snapshot: RouterSnapshot, featureSpace: FeatureSpaceId): readonly HeadSums[] {
  if (snapshot.version !== SNAPSHOT_VERSION || snapshot.featureSpace !== featureSpace) {
    throw new EngineError(
      'engine_snapshot_mismatch',
      `snapshot of version ${snapshot.version}, feature space ${snapshot.featureSpace}; expected version ${SNAPSHOT_VERSION}, ${featureSpace}`,
    )
  }
  return snapshot.sums.map((entry): HeadSums => {
    const head = HEADS.find((name) => name === entry.head)
    if (head === undefined) {
      throw new EngineError('engine_snapshot_mismatch', `snapshot has an unknown head "${entry.head}"`)
    }
    return {
      ...entry,
      arm: entry.arm as ArmId,
      head,
      featureSpace,
      A: Float64Array.from(entry.A),
      b: Float64Array.from(entry.b),
    }
  })
}
