/**
 * What a call costs: the bundled price table and the arithmetic of usage × price. The table (`prices.json`) is rebuilt by
 * `node test/helpers/build-prices.ts`; every row names its registry and the date its price is of. Prices are base prices:
 * surcharges for very long prompts, batch and priority tiers are not in it.
 */
import type { Capability, Price } from '../../engine/index.ts'
import table from './prices.json' with { type: 'json' }
import type { Usage } from './spec.ts'

const TOKENS_PER_MTOK = 1_000_000

export interface PriceRow extends Price {
  /** Well-known provider name: `openai`, `anthropic`, `google`, … */
  readonly provider: string
  /** The vendor's model id, as it is sent upstream. */
  readonly model: string
  /** Prompt and answer together. */
  readonly contextWindowTokens?: number
  readonly maxOutputTokens?: number
  readonly capabilities: readonly Capability[]
  /** Key of the table's `registries`. */
  readonly source: string
  /** ISO date of the registry copy, or of the day from which the price holds. */
  readonly date: string
  /** What another registry says, where it says otherwise. */
  readonly disputed?: {
    readonly source: string
    readonly inputUsdPerMtok: number
    readonly outputUsdPerMtok: number
  }
}

/** Every row of the bundled table, by provider and model. */
// JSON types its strings as `string`; test/adapters/prices.test.ts holds every row to this shape.
export const PRICE_ROWS = table.rows as readonly PriceRow[]

const rowsByModel = new Map(PRICE_ROWS.map((row) => [`${row.provider}/${row.model}`, row]))

/**
 * The bundled row of one model. Names match exactly: a dated snapshot can have another price than its family, and the
 * same model another price at another host.
 */
export function findPrice(provider: string, model: string): PriceRow | undefined {
  return rowsByModel.get(`${provider}/${model}`)
}

/**
 * USD for one call. What the provider told wins; else tokens × price, cached tokens at the cached price, cache writes at
 * theirs. Cached tokens beyond the prompt (some hosts report them) are taken as the whole prompt. Undefined when the
 * provider told neither a cost nor both token counts: an unknown cost is not 0.
 */
export function costUsd(usage: Usage, price: Price): number | undefined {
  if (usage.costUsd !== undefined) return usage.costUsd
  const { promptTokens, completionTokens } = usage
  if (promptTokens === undefined || completionTokens === undefined) return undefined
  const cachedTokens = Math.min(usage.cachedTokens ?? 0, promptTokens)
  const writtenTokens = Math.min(usage.cacheWriteTokens ?? 0, promptTokens - cachedTokens)
  const freshTokens = promptTokens - cachedTokens - writtenTokens
  const { inputUsdPerMtok, outputUsdPerMtok } = price
  return (
    (freshTokens * inputUsdPerMtok +
      cachedTokens * (price.cachedInputUsdPerMtok ?? inputUsdPerMtok) +
      writtenTokens * (price.cacheWriteUsdPerMtok ?? inputUsdPerMtok) +
      completionTokens * outputUsdPerMtok) /
    TOKENS_PER_MTOK
  )
}
