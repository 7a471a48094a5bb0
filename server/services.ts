/** What the pipeline works with: the outside's dependencies and the application's own moving parts. */
import type { FastifyBaseLogger } from 'fastify'
import type { AppDeps } from './deps.ts'
import type { Judges } from './judges/judges.ts'
import type { KeyedLock } from './keyed-lock.ts'
import type { Metrics } from './observability/metrics.ts'
import type { Accounts } from './pipeline/accounts.ts'
import type { Conversations } from './pipeline/conversations.ts'
import type { RecentDecisions } from './pipeline/recent-decisions.ts'
import type { RegistryView } from './registry-view.ts'
import type { ArmLoad } from './resilience/arm-load.ts'
import type { ArmHealth } from './resilience/health.ts'
import type { InFlight } from './resilience/in-flight.ts'
import type { Reviews } from './rewards/reviews.ts'
import type { TextEmbeddings } from './text-embeddings.ts'
import type { TurnEnd } from './turn-end.ts'

export interface Services extends Omit<AppDeps, 'registry' | 'logger' | 'metricsRegistry' | 'embedder'> {
  /** Of the registry that is in force now; a request keeps the one it began with. */
  readonly view: () => RegistryView
  readonly metrics: Metrics
  readonly embeddings: TextEmbeddings | undefined
  readonly health: ArmHealth
  readonly load: ArmLoad
  readonly inFlight: InFlight
  readonly recent: RecentDecisions
  readonly conversations: Conversations
  readonly accounts: Accounts
  readonly feedbackLock: KeyedLock
  readonly turnEnd: TurnEnd
  readonly reviews: Reviews
  readonly judges: Judges
  readonly log: FastifyBaseLogger
}
