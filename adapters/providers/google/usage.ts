/** Gemini's `usageMetadata` → our counts. Its candidates leave out the thoughts, and every count may be absent. */
import type { Usage } from '../spec.ts'
import { sumTokens } from '../usage.ts'
import { asCount, type Wire } from '../wire.ts'

export function decodeUsage(metadata: Wire): Usage {
  const promptTokens = sumTokens(
    asCount(metadata['promptTokenCount']),
    asCount(metadata['toolUsePromptTokenCount']),
  )
  const cached = asCount(metadata['cachedContentTokenCount'])
  const reasoningTokens = asCount(metadata['thoughtsTokenCount'])
  return {
    promptTokens,
    completionTokens: sumTokens(asCount(metadata['candidatesTokenCount']), reasoningTokens),
    cachedTokens:
      cached === undefined || promptTokens === undefined ? cached : Math.min(cached, promptTokens),
    cacheWriteTokens: undefined,
    reasoningTokens,
    costUsd: undefined,
  }
}
