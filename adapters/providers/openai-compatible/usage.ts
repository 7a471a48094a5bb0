/** `usage` of OpenAI-shaped upstreams → our counts. */
import type { Usage } from '../spec.ts'
import { asCostUsd, asCount, asNumber, asRecord, type Wire } from '../wire.ts'

const USD_PER_XAI_TICK = 1e-10

export function decodeUsage(usage: Wire): Usage {
  const promptTokens = asCount(usage['prompt_tokens'])
  const told = asCount(usage['completion_tokens'])
  const inPrompt = asRecord(usage['prompt_tokens_details'])
  const inCompletion = asRecord(usage['completion_tokens_details'])
  const cachedTokens =
    asCount(inPrompt?.['cached_tokens']) ??
    asCount(usage['prompt_cache_hit_tokens']) ??
    asCount(usage['cached_tokens'])
  const reasoningTokens = asCount(inCompletion?.['reasoning_tokens']) ?? asCount(usage['reasoning_tokens'])
  // xAI's completion_tokens leave reasoning out; the total gives it away.
  const missing = (asCount(usage['total_tokens']) ?? 0) - (promptTokens ?? 0) - (told ?? 0)
  const leftOut = reasoningTokens !== undefined && reasoningTokens > 0 && missing === reasoningTokens
  return {
    promptTokens,
    completionTokens: leftOut ? (told ?? 0) + reasoningTokens : told,
    cachedTokens:
      cachedTokens === undefined || promptTokens === undefined
        ? cachedTokens
        : Math.min(cachedTokens, promptTokens),
    cacheWriteTokens: asCount(inPrompt?.['cache_write_tokens']),
    reasoningTokens,
    costUsd: decodeCostUsd(usage),
  }
}

/** OpenRouter (`cost`, and the vendor's bill beside it when the key is the user's own), Perplexity, xAI. */
function decodeCostUsd(usage: Wire): number | undefined {
  const cost = asCostUsd(usage['cost'])
  if (cost !== undefined) {
    const upstream = asCostUsd(asRecord(usage['cost_details'])?.['upstream_inference_cost'])
    return usage['is_byok'] === true ? cost + (upstream ?? 0) : cost
  }
  const ticks = asNumber(usage['cost_in_usd_ticks'])
  return (
    asCostUsd(asRecord(usage['cost'])?.['total_cost']) ??
    (ticks === undefined ? undefined : asCostUsd(ticks * USD_PER_XAI_TICK))
  )
}

/** The upstream's own object, with the three counts that clients add up made to agree with ours. */
export function correctedUsage(usage: Wire, { promptTokens, completionTokens }: Usage): Wire {
  if (completionTokens === usage['completion_tokens'] || completionTokens === undefined) return usage
  return {
    ...usage,
    completion_tokens: completionTokens,
    total_tokens: (promptTokens ?? 0) + completionTokens,
  }
}
