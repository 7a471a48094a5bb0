/** What one call used and cost; tokens the upstream did not tell are counted here, and said to be. */
import { costUsd, type Usage } from '../../adapters/index.ts'
import type { Price } from '../../engine/index.ts'
import type { AppDeps } from '../deps.ts'

export interface Bill {
  readonly usage: Usage
  readonly promptTokens: number
  readonly completionTokens: number
  /** At least one of the two counts is ours. */
  readonly estimated: boolean
  readonly costUsd: number
  readonly price: Price
}

/**
 * Servers that do not count say 0: no prompt has 0 tokens, and no answer with a word in it.
 *
 * @param answerText what the caller was given; read only when the upstream told no completion tokens
 */
export function billOf(
  usage: Usage,
  price: Price,
  promptTokens: number,
  answerText: () => string,
  tokens: AppDeps['tokens'],
): Bill {
  const completed = usage.completionTokens || tokens.countText(answerText())
  const prompted = usage.promptTokens || promptTokens
  const filled = { ...usage, promptTokens: prompted, completionTokens: completed }
  return {
    usage: filled,
    promptTokens: prompted,
    completionTokens: completed,
    estimated: prompted !== usage.promptTokens || completed !== usage.completionTokens,
    // Both counts are known now, so there is a cost.
    costUsd: costUsd(filled, price) ?? 0,
    price,
  }
}

/** OpenAI's `usage` with what it cost. @param told the upstream's own object, whose other fields are kept */
export function usageBody(bill: Bill, told: unknown): Readonly<Record<string, unknown>> {
  const { usage, promptTokens, completionTokens, price } = bill
  const kept = typeof told === 'object' && told !== null ? told : {}
  const details = 'cost_details' in kept && typeof kept.cost_details === 'object' ? kept.cost_details : {}
  return {
    ...kept,
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    ...(!('prompt_tokens_details' in kept) &&
      usage.cachedTokens !== undefined && { prompt_tokens_details: { cached_tokens: usage.cachedTokens } }),
    ...(!('completion_tokens_details' in kept) &&
      usage.reasoningTokens !== undefined && {
        completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
      }),
    cost: bill.costUsd,
    cost_details: {
      ...details,
      source: usage.costUsd === undefined ? 'price' : 'provider',
      usage_estimated: bill.estimated,
      input_usd_per_mtok: price.inputUsdPerMtok,
      output_usd_per_mtok: price.outputUsdPerMtok,
    },
  }
}
