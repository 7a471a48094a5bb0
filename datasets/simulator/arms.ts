/** The deployments a dataset's arms become: what they speak, cost and take, and what a registry would say of them. */
import type { ArmPrior, Price } from '../../engine/index.ts'
import {
  type Dataset,
  DIALECTS,
  type Dialect,
  type LatencyModel,
  type ModelInfo,
  type PromptRow,
} from '../types.ts'
import { SimulatorError } from './errors.ts'
import { MEASURED_LATENCIES } from './latency.ts'

/** Answer length where neither tokens nor a price tell it, as in the latency measurements. */
const DEFAULT_OUTPUT_TOKENS = 150
/** Output over input price where the set gives only the cost of whole requests; the usual ratio of price lists. */
const DEFAULT_PRICE_RATIO = 4
/** The price of arms without any cost: nothing. */
const FREE: Price = { inputUsdPerMtok: 0, outputUsdPerMtok: 0 }

export interface ArmProfile {
  /** As in the dataset. */
  readonly id: string
  readonly dialect: Dialect
  /** The name to ask the provider for; unique within the dialect. */
  readonly upstreamModel: string
  readonly price: Price
  readonly latency: LatencyModel
  readonly contextWindowTokens: number | undefined
  /** Mean quality and median answer length over the `train` split (all rows where there is none); median latency. */
  readonly prior: ArmPrior
}

/** An arm as it can be called. */
export interface SimulatedArm extends ArmProfile {
  /** `provider/model` for a router: the dataset's own id where that names one provider, else under the wire's name. */
  readonly routeId: string
  /** Up to and including the version segment, as a provider's config has it. */
  readonly baseUrl: string
}

/** Where each dialect is served, and what its base URL ends in. */
export const BASE_PATHS: Readonly<Record<Dialect, string>> = {
  'openai-compatible': '/openai/v1',
  anthropic: '/anthropic',
  google: '/google/v1beta',
}

/**
 * One profile per arm with outcomes, those of `models.json` first. Dialects come from `models.json`, else they take turns.
 *
 * @throws {SimulatorError} `simulator_no_arms`
 */
export function profileArms(models: Dataset['models'], rows: readonly PromptRow[]): readonly ArmProfile[] {
  const present = new Set(rows.flatMap((row) => [...row.outcomes.keys()]))
  const ids = [...new Set([...models.keys(), ...present])].filter((id) => present.has(id))
  if (ids.length === 0)
    throw new SimulatorError('simulator_no_arms', 'the dataset has no outcomes to simulate')
  const dialects = ids.map((id, index) => models.get(id)?.wire ?? turn(DIALECTS, index))
  const shortNames = ids.map((id, index) => `${dialects[index]} ${shortName(id)}`)
  const training = rows.filter((row) => row.split === 'train')
  return ids.map((id, index) => {
    const model = models.get(id)
    const latency = model?.latency ?? turn(MEASURED_LATENCIES, index)
    const price = model === undefined ? priceFromCosts(id, rows) : listPrice(model)
    const isUnique =
      shortNames.indexOf(shortNames[index] ?? '') === shortNames.lastIndexOf(shortNames[index] ?? '')
    return {
      id,
      dialect: turn(dialects, index),
      upstreamModel: isUnique ? shortName(id) : id,
      price,
      latency,
      contextWindowTokens: model?.contextWindowTokens,
      prior: priorOf(id, training.some((row) => row.outcomes.has(id)) ? training : rows, price, latency),
    }
  })
}

const WIRE_PROVIDERS: Readonly<Record<Dialect, string>> = {
  'openai-compatible': 'sim-openai',
  anthropic: 'sim-anthropic',
  google: 'sim-google',
}

/** A provider is reached in one wire format: ids that would put one name on two formats get the format's own name. */
export function routeIds(arms: readonly Pick<ArmProfile, 'id' | 'dialect'>[]): readonly string[] {
  const providerOf = (id: string) => id.slice(0, Math.max(id.indexOf('/'), 0))
  const dialects = new Map<string, Set<Dialect>>()
  for (const { id, dialect } of arms) {
    dialects.set(providerOf(id), (dialects.get(providerOf(id)) ?? new Set()).add(dialect))
  }
  return arms.map(({ id, dialect }) => {
    const provider = providerOf(id)
    return provider !== '' && dialects.get(provider)?.size === 1 ? id : `${WIRE_PROVIDERS[dialect]}/${id}`
  })
}

export interface TokenCounts {
  readonly input: number
  readonly output: number
}

/** What one outcome says or implies of its tokens: recorded, else derived from its cost, else a usual length. */
export function tokensOf(row: PromptRow, armId: string, price: Price): TokenCounts {
  const outcome = row.outcomes.get(armId)
  const input = outcome?.inputTokens ?? estimateTokens(row.prompt)
  if (outcome?.outputTokens !== undefined) return { input, output: outcome.outputTokens }
  if (outcome?.costUsd === undefined || price.outputUsdPerMtok === 0)
    return { input, output: DEFAULT_OUTPUT_TOKENS }
  const spentOnOutput = outcome.costUsd * 1e6 - input * price.inputUsdPerMtok
  return { input, output: Math.max(1, Math.round(spentOnOutput / price.outputUsdPerMtok)) }
}

/** A token is about four bytes of UTF-8. */
export function estimateTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4)
}

function shortName(id: string): string {
  return id.slice(id.indexOf('/') + 1)
}

function turn<T>(items: readonly T[], index: number): T {
  const item = items[index % items.length]
  if (item === undefined) throw new RangeError('nothing to take turns with')
  return item
}

function listPrice(model: ModelInfo): Price {
  return { inputUsdPerMtok: model.inputUsdPerMtok, outputUsdPerMtok: model.outputUsdPerMtok }
}

/** The price at which answers of the default length would have cost what they cost on average. */
function priceFromCosts(id: string, rows: readonly PromptRow[]): Price {
  let costUsd = 0
  let weightedTokens = 0
  for (const row of rows) {
    const outcome = row.outcomes.get(id)
    if (outcome?.costUsd === undefined) continue
    costUsd += outcome.costUsd
    weightedTokens += outcome.inputTokens ?? estimateTokens(row.prompt)
    weightedTokens += DEFAULT_PRICE_RATIO * (outcome.outputTokens ?? DEFAULT_OUTPUT_TOKENS)
  }
  if (weightedTokens === 0) return FREE
  const inputUsdPerMtok = (costUsd * 1e6) / weightedTokens
  return { inputUsdPerMtok, outputUsdPerMtok: DEFAULT_PRICE_RATIO * inputUsdPerMtok }
}

function priorOf(id: string, rows: readonly PromptRow[], price: Price, latency: LatencyModel): ArmPrior {
  const answered = rows.filter((row) => row.outcomes.has(id))
  const lengths = answered.map((row) => tokensOf(row, id, price).output).sort((one, other) => one - other)
  const qualitySum = answered.reduce((sum, row) => sum + (row.outcomes.get(id)?.quality ?? 0), 0)
  return {
    quality: qualitySum / answered.length,
    ttftMs: latency.ttftMsP50,
    tpotMs: latency.tpotMsP50,
    outputTokens: lengths[Math.floor(lengths.length / 2)] ?? DEFAULT_OUTPUT_TOKENS,
  }
}
