/** Examples → the routers of their feature space; an arm that they show to have changed → the log and the metrics. */
import {
  type ForecastContext,
  type Observation,
  type Outcome,
  observationsFromOutcome,
} from '../../engine/index.ts'
import type { Services } from '../services.ts'

/** @param observations of one feature space */
export function learnFrom(
  { slots, router: base, metrics, log }: Services,
  observations: readonly Observation[],
): void {
  const [first] = observations
  if (first === undefined) return
  for (const router of slots.learnersOf(first.featureSpace)) {
    for (const { arm, head, sinceMs, shift } of router.learn(observations)) {
      // Each router notices by itself: one change is counted once.
      if (router !== base) continue
      metrics.changes.inc({ arm, head })
      log.warn(
        { arm, head, since: new Date(sinceMs).toISOString(), shift },
        'an arm has changed; what this head had learned of it before is forgotten',
      )
    }
  }
}

/**
 * What one call teaches in one feature space, to the routers and to the store.
 * @returns false where nothing learns in that feature space any more: then it has no dimension to learn in
 */
export function learnOutcome(
  services: Services,
  context: ForecastContext,
  outcome: Outcome,
  atMs: number,
): boolean {
  const space = services.slots.spaceOf(context.featureSpace)
  if (space === undefined) return false
  const observations = observationsFromOutcome(context, outcome, atMs, space.servingDimension)
  learnFrom(services, observations)
  services.store.appendObservations(observations)
  return true
}
