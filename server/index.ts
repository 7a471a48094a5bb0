/** The server's public surface; only `cli.ts` and tests import it. */
export { type BuiltApp, buildApp } from './app.ts'
export * from './config/index.ts'
export type { AppDeps, Clock, Ids } from './deps.ts'
export { SERVER_ERRORS, ServerError, type ServerErrorCode } from './errors.ts'
export { createIds } from './ids.ts'
export { userHash } from './privacy/user-hash.ts'
export * from './registry.ts'
export { type RunningServer, type ServerOptions, startServer } from './start.ts'
