/** Reads the one registry whose prices have dates: which entry of a provider matches a model, and what it costs on a day. */

export interface GenaiProvider {
  readonly id: string
  readonly models: readonly {
    readonly id: string
    readonly match: Match
    readonly prices: Prices | readonly Dated[]
  }[]
}
type Match =
  | { readonly equals: string }
  | { readonly starts_with: string }
  | { readonly ends_with: string }
  | { readonly contains: string }
  | { readonly regex: string }
  | { readonly or: readonly Match[] }
  | { readonly and: readonly Match[] }
type Amount = number | { readonly base: number }
interface Prices {
  readonly input_mtok?: Amount
  readonly output_mtok?: Amount
  readonly cache_read_mtok?: Amount
  readonly cache_write_mtok?: Amount
}
interface Dated {
  readonly constraint?: { readonly start_date?: string; readonly start_time?: string }
  readonly prices: Prices
}

function matches(match: Match, model: string): boolean {
  if ('equals' in match) return model === match.equals
  if ('starts_with' in match) return model.startsWith(match.starts_with)
  if ('ends_with' in match) return model.endsWith(match.ends_with)
  if ('contains' in match) return model.includes(match.contains)
  if ('regex' in match) return new RegExp(match.regex).test(model)
  if ('or' in match) return match.or.some((inner) => matches(inner, model))
  return match.and.every((inner) => matches(inner, model))
}

const base = (amount: Amount | undefined) => (typeof amount === 'object' ? amount.base : amount)

/**
 * The base price of `model` on the ISO day `asOf`, USD per million tokens, and since when where that is told. Undefined for
 * a model it does not have, one without a price, and one whose price changes with the time of day.
 */
export function genaiPrice(provider: GenaiProvider, model: string, asOf: string) {
  const entry = provider.models.find(({ match }) => matches(match, model))
  if (entry === undefined) return undefined
  const dated: readonly Dated[] = 'length' in entry.prices ? entry.prices : [{ prices: entry.prices }]
  if (dated.some(({ constraint }) => constraint?.start_time !== undefined)) return undefined
  const current = dated.findLast(({ constraint }) => (constraint?.start_date ?? '') <= asOf)
  const inputUsdPerMtok = base(current?.prices.input_mtok)
  const outputUsdPerMtok = base(current?.prices.output_mtok)
  if (inputUsdPerMtok === undefined || outputUsdPerMtok === undefined) return undefined
  const price = {
    inputUsdPerMtok,
    outputUsdPerMtok,
    cachedInputUsdPerMtok: base(current?.prices.cache_read_mtok),
    cacheWriteUsdPerMtok: base(current?.prices.cache_write_mtok),
  }
  return { price, since: current?.constraint?.start_date }
}
