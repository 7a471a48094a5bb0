/** Renders docs/errors.md from the code tables: `node test/helpers/build-error-reference.ts`. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { UPSTREAM_ERRORS } from '../../adapters/index.ts'
import { SERVER_ERRORS } from '../../server/index.ts'

export const ERRORS_FILE = resolve(import.meta.dirname, '../../docs/errors.md')

export function errorReference(): string {
  const own = Object.entries(SERVER_ERRORS).map(
    ([code, { status, type, meaning }]) => `| \`${code}\` | ${status} | \`${type}\` | ${meaning} |`,
  )
  const upstream = Object.entries(UPSTREAM_ERRORS).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`)
  return `# Errors

<!-- rendered by test/helpers/build-error-reference.ts -->

Every error is \`{"error": {"message", "type", "code", "param", …}}\`, with \`decision_id\` when there was a decision and, when arms were
tried, \`attempts\`: each one's arm, upstream status, code and message. Codes are stable; messages are not.

## The gateway's own

| code | status | type | meaning |
|---|---|---|---|
${own.join('\n')}

## Upstream failures

The caller sees one of these when no arm was left to try, or when the request itself is at fault; \`attempts\` shows them all. The
status is the upstream's where the fault is the caller's, else 502, 503, 504 or 429.

| code | meaning |
|---|---|
${upstream.join('\n')}
`
}

if (import.meta.main) writeFileSync(ERRORS_FILE, errorReference())
