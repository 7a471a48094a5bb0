/** Anthropic's usage → our counts. Its `input_tokens` leave out what the cache gave and took. */
import type { Usage } from '../spec.ts'
import { sumTokens } from '../usage.ts'
import { asCount, asRecord, type Wire } from '../wire.ts'

export function decodeUsage(usage: Wire): Usage {
  const cachedTokens = asCount(usage['cache_read_input_tokens'])
  const cacheWriteTokens = asCount(usage['cache_creation_input_tokens'])
  return {
    promptTokens: sumTokens(asCount(usage['input_tokens']), cachedTokens, cacheWriteTokens),
    completionTokens: asCount(usage['output_tokens']),
    cachedTokens,
    cacheWriteTokens,
    reasoningTokens: asCount(asRecord(usage['output_tokens_details'])?.['thinking_tokens']),
    costUsd: undefined,
  }
}

/** Later counts are cumulative and replace earlier ones; those left out or null stay. */
export function mergeUsage(before: Wire, after: unknown): Wire {
  const told = Object.entries(asRecord(after) ?? {}).filter(([, value]) => value !== null)
  return { ...before, ...Object.fromEntries(told) }
}
