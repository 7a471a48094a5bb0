/** Gemini's `usageMetadata` → our counts. Its candidates leave out the thoughts, and every count may be absent. */
import type { Usage } from '../spec.ts'
import { sumTokens } from '../usage.ts'
import { asNumber, type Wire } from '../wire.ts'

export function decodeUsage(metadata: Wire): Usage {
  const promptTokens = sumTokens(
    asNumber(metadata['promptTokenCount']),
    asNumber(metadata['toolUsePromptTokenCount']),
  )
  const cached = asNumber(metadata['cachedContentTokenCount'])
  const reasoningTokens = asNumber(metadata['thoughtsTokenCount'])
  return {
    promptTokens,
    completionTokens: sumTokens(asNumber(metadata['candidatesTokenCount']), reasoningTokens),
    cachedTokens:
      cached === undefined || promptTokens === undefined ? cached : Math.min(cached, promptTokens),
    cacheWriteTokens: undefined,
    reasoningTokens,
    costUsd: undefined,
  }
}
