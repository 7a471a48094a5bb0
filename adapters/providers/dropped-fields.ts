/** Nothing a caller asked for is dropped in silence. */
import type { ChatRequest, Warning } from './spec.ts'

/** Say nothing about the answer, or are the gateway's own business. */
const IGNORED = new Set([
  'messages',
  'stream',
  'stream_options',
  'store',
  'metadata',
  'n',
  'prompt_cache_key',
])

/** A warning for each field with a value that is not among the `known` ones of a dialect. */
export function warnOfDropped(
  request: ChatRequest,
  known: ReadonlySet<string>,
  dialect: string,
): readonly Warning[] {
  return Object.entries(request)
    .filter(([key, value]) => value !== null && value !== undefined && value !== false && !known.has(key))
    .filter(([key]) => !IGNORED.has(key))
    .map(([field]) => ({ field, message: `${field} has no equivalent in ${dialect} and was left out` }))
}
