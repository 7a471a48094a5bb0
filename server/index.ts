/** The server's public surface; only `cli/` and tests import it. */
export { type BuiltApp, buildApp } from './app.ts'
export * from './config/index.ts'
export type { AppDeps, Clock, Ids } from './deps.ts'
export { SERVER_ERRORS, ServerError, type ServerErrorCode } from './errors.ts'
export { type Assignment, type AssignmentPlan, assign } from './experiments/assignment.ts'
export { allocate, reallocate } from './experiments/ranges.ts'
export { createIds } from './ids.ts'
export { type AddressSettings, ListenError, type ListenErrorCode, listenError } from './listen-error.ts'
export { createPolicyDesk, type PolicyDesk } from './policies/desk.ts'
export { draftPolicyFile } from './policies/draft.ts'
export { userHash } from './privacy/user-hash.ts'
export * from './registry.ts'
export type {
  PolicyListingReply as PolicyListing,
  RolloutReply as Rollout,
} from './routes/schemas/policies.ts'
export type { ShutdownOptions, ShutdownStep } from './shutdown.ts'
export { type RunningServer, type ServerOptions, startServer } from './start.ts'
export { urlOf } from './url.ts'
