/** Examples → the router; an arm that they show to have changed → the log and the metrics. */
import type { Observation } from '../../engine/index.ts'
import type { Services } from '../services.ts'

export function learnFrom({ router, metrics, log }: Services, observations: readonly Observation[]): void {
  for (const { arm, head, sinceMs, shift } of router.learn(observations)) {
    metrics.changes.inc({ arm, head })
    log.warn(
      { arm, head, since: new Date(sinceMs).toISOString(), shift },
      'an arm has changed; what this head had learned of it before is forgotten',
    )
  }
}
