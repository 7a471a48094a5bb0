/** Token counts: what every dialect's own counting is brought to, and how our clients see it. */
import type { Usage } from './spec.ts'
import { defined, type Wire } from './wire.ts'

/** Nothing was told. Unknown is never 0. */
export const UNKNOWN_USAGE: Usage = {
  promptTokens: undefined,
  completionTokens: undefined,
  cachedTokens: undefined,
  cacheWriteTokens: undefined,
  reasoningTokens: undefined,
  costUsd: undefined,
}

/** OpenAI's `usage` object; absent when neither count is known. */
export function wireUsage(usage: Usage): Wire | undefined {
  const { promptTokens, completionTokens, cachedTokens, cacheWriteTokens, reasoningTokens } = usage
  if (promptTokens === undefined && completionTokens === undefined) return undefined
  const cached = defined({ cached_tokens: cachedTokens, cache_write_tokens: cacheWriteTokens })
  return {
    prompt_tokens: promptTokens ?? 0,
    completion_tokens: completionTokens ?? 0,
    total_tokens: (promptTokens ?? 0) + (completionTokens ?? 0),
    ...(Object.keys(cached).length > 0 && { prompt_tokens_details: cached }),
    ...(reasoningTokens !== undefined && {
      completion_tokens_details: { reasoning_tokens: reasoningTokens },
    }),
  }
}

/** Adds counts of which each may be unknown; undefined when all are. */
export function sumTokens(...counts: readonly (number | undefined)[]): number | undefined {
  const known = counts.filter((count) => count !== undefined)
  return known.length === 0 ? undefined : known.reduce((sum, count) => sum + count, 0)
}
