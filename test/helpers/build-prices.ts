/**
 * Rebuilds adapters/providers/prices.json from two public price registries, found through HIGHWAYMAN_SHARED:
 * `node test/helpers/build-prices.ts`. It takes facts only (prices, windows, capabilities) of the models listed below.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type GenaiProvider, genaiPrice } from './genai-prices.ts'
import { sharedPath } from './shared.ts'

/** The day the table stands for: dated prices of later days do not hold yet, models retired before it are refused. */
const AS_OF = '2026-11-22'
const LITELLM_DATE = '2026-08-06'
/** Registries round differently; a larger relative difference is a dispute. */
const TOLERANCE = 0.01

const REGISTRIES = {
  litellm: { repository: 'BerriAI/litellm', licence: 'MIT', version: LITELLM_DATE },
  'genai-prices': { repository: 'pydantic/genai-prices', licence: 'MIT', version: '47df840a' },
}

/** Per provider: the prefix of litellm's keys, genai-prices' id, and the models to take. */
const SELECTION: Record<string, { prefix: string; genai: string; models: readonly string[] }> = {
  openai: {
    prefix: '',
    genai: 'openai',
    models: [
      ...['gpt-5.6', 'gpt-5.6-sol', 'gpt-5.6-terra', 'gpt-5.6-luna', 'gpt-5.5', 'gpt-5.5-2026-04-23'],
      ...['gpt-5.4', 'gpt-5.4-2026-03-05', 'gpt-5.4-mini', 'gpt-5.4-nano', 'gpt-5.2', 'gpt-5.1'],
      ...['gpt-5', 'gpt-5-2025-08-07', 'gpt-5-mini', 'gpt-5-nano', 'gpt-4.1', 'gpt-4.1-mini', 'gpt-4.1-nano'],
      ...['gpt-4o', 'gpt-4o-2024-08-06', 'gpt-4o-2024-11-20', 'gpt-4o-mini', 'gpt-4o-mini-2024-07-18'],
      ...['o1', 'o3', 'o3-mini', 'o4-mini', 'gpt-4-turbo', 'gpt-3.5-turbo'],
    ],
  },
  anthropic: {
    prefix: '',
    genai: 'anthropic',
    models: [
      ...[
        'claude-fable-5',
        'claude-opus-5',
        'claude-sonnet-5',
        'claude-haiku-4-5',
        'claude-haiku-4-5-20251001',
      ],
      ...['claude-opus-4-8', 'claude-opus-4-7', 'claude-opus-4-6', 'claude-opus-4-5', 'claude-opus-4-1'],
      ...['claude-sonnet-4-6', 'claude-sonnet-4-5', 'claude-sonnet-4-5-20250929'],
    ],
  },
  google: {
    prefix: 'gemini/',
    genai: 'google',
    models: [
      ...['gemini-3.6-flash', 'gemini-3.5-flash', 'gemini-3.5-flash-lite', 'gemini-3.1-pro-preview'],
      ...['gemini-3.1-flash-lite', 'gemini-3-flash-preview'],
      ...['gemini-2.5-pro', 'gemini-2.5-flash', 'gemini-2.5-flash-lite'],
    ],
  },
  groq: {
    prefix: 'groq/',
    genai: 'groq',
    models: [
      ...['openai/gpt-oss-120b', 'openai/gpt-oss-20b', 'llama-3.3-70b-versatile', 'llama-3.1-8b-instant'],
      ...['meta-llama/llama-4-maverick-17b-128e-instruct', 'meta-llama/llama-4-scout-17b-16e-instruct'],
      ...['moonshotai/kimi-k2-instruct-0905', 'qwen/qwen3-32b'],
    ],
  },
  mistral: {
    prefix: 'mistral/',
    genai: 'mistral',
    models: [
      ...['mistral-large-latest', 'mistral-large-2512', 'mistral-medium-latest', 'mistral-medium-2604'],
      ...['mistral-medium-2508', 'mistral-small-latest', 'magistral-medium-latest', 'magistral-small-latest'],
      ...['codestral-2508', 'devstral-latest', 'devstral-small-latest'],
      ...['ministral-8b-latest', 'ministral-3-14b-2512', 'ministral-3-3b-2512'],
    ],
  },
  deepseek: {
    prefix: 'deepseek/',
    genai: 'deepseek',
    models: ['deepseek-v4-pro', 'deepseek-v4-flash', 'deepseek-chat', 'deepseek-reasoner'],
  },
  xai: {
    prefix: 'xai/',
    genai: 'x-ai',
    models: ['grok-4.5', 'grok-4.3', 'grok-4.20-0309-reasoning', 'grok-4.20-beta-0309-non-reasoning'],
  },
  together: {
    prefix: 'together_ai/',
    genai: 'together',
    models: [
      ...['openai/gpt-oss-120b', 'openai/gpt-oss-20b', 'deepseek-ai/DeepSeek-V3.1', 'moonshotai/Kimi-K2.5'],
      ...['zai-org/GLM-4.7', 'zai-org/GLM-4.5-Air-FP8', 'Qwen/Qwen3.5-397B-A17B'],
      ...['Qwen/Qwen3-Next-80B-A3B-Instruct', 'Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8'],
      ...['meta-llama/Llama-3.3-70B-Instruct-Turbo', 'meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8'],
    ],
  },
  fireworks: {
    prefix: 'fireworks_ai/',
    genai: 'fireworks',
    models: [
      ...['gpt-oss-120b', 'gpt-oss-20b', 'deepseek-v4-pro', 'deepseek-v4-flash', 'deepseek-v3p2', 'glm-5p2'],
      ...['glm-5p1', 'glm-4p7', 'kimi-k2p7-code', 'kimi-k2p6', 'kimi-k2p5', 'minimax-m3', 'qwen3p7-plus'],
    ].map((name) => `accounts/fireworks/models/${name}`),
  },
  openrouter: {
    prefix: 'openrouter/',
    genai: 'openrouter',
    models: [
      ...['anthropic/claude-opus-4.7', 'anthropic/claude-sonnet-4.6', 'anthropic/claude-haiku-4.5'],
      ...['openai/gpt-5.2', 'openai/gpt-5-mini', 'openai/gpt-4.1-mini', 'openai/gpt-oss-120b'],
      ...['google/gemini-3.1-pro-preview', 'google/gemini-3.1-flash-lite', 'google/gemini-2.5-flash'],
      ...['deepseek/deepseek-v3.2', 'moonshotai/kimi-k2.5', 'z-ai/glm-5', 'z-ai/glm-4.7-flash'],
      ...['qwen/qwen3.6-plus', 'qwen/qwen3.5-397b-a17b', 'minimax/minimax-m2.5'],
      ...['mistralai/mistral-large-2512', 'xiaomi/mimo-v2-flash'],
    ],
  },
  cerebras: {
    prefix: 'cerebras/',
    genai: 'cerebras',
    models: ['gpt-oss-120b', 'zai-glm-4.7', 'llama-3.3-70b', 'llama3.1-8b', 'qwen-3-32b'],
  },
  perplexity: {
    prefix: 'perplexity/',
    genai: 'perplexity',
    models: ['sonar', 'sonar-pro', 'sonar-reasoning-pro'],
  },
}

interface LitellmEntry {
  readonly input_cost_per_token?: number
  readonly output_cost_per_token?: number
  readonly cache_read_input_token_cost?: number
  readonly cache_creation_input_token_cost?: number
  readonly max_input_tokens?: number
  readonly max_output_tokens?: number
  readonly deprecation_date?: string
  readonly supports_function_calling?: boolean
  readonly supports_vision?: boolean
  readonly supports_response_schema?: boolean
  readonly supports_reasoning?: boolean
}

const perMtok = (usdPerToken: number) => Number((usdPerToken * 1e6).toPrecision(6))
const differs = (a: number, b: number) => Math.abs(a - b) > TOLERANCE * Math.max(a, b)

function capabilities(provider: string, entry: LitellmEntry): string[] {
  return [
    'streaming',
    ...(entry.supports_function_calling ? ['tools'] : []),
    ...(entry.supports_vision ? ['vision'] : []),
    ...(entry.supports_response_schema ? ['json-object', 'json-schema'] : []),
    // No registry tells this. OpenAI's reasoning models refuse the field, other hosts differ by model.
    ...(provider === 'openai' && !entry.supports_reasoning ? ['logprobs'] : []),
  ]
}

/** The registry gives the whole window as `max_input_tokens`, but for OpenAI's 400k models the prompt's share of it. */
function contextWindowTokens(provider: string, entry: LitellmEntry): number | undefined {
  const { max_input_tokens: input, max_output_tokens: output } = entry
  return provider === 'openai' && input === 272_000 && output !== undefined ? input + output : input
}

function buildRow(provider: string, model: string, entry: LitellmEntry, genai: GenaiProvider) {
  const { input_cost_per_token: input, output_cost_per_token: output } = entry
  if (input === undefined || output === undefined) throw new Error(`${provider}/${model} has no price`)
  if (entry.deprecation_date !== undefined && entry.deprecation_date <= AS_OF) {
    throw new Error(`${provider}/${model} was retired on ${entry.deprecation_date}`)
  }
  const listed = {
    inputUsdPerMtok: perMtok(input),
    outputUsdPerMtok: perMtok(output),
    cachedInputUsdPerMtok:
      entry.cache_read_input_token_cost === undefined
        ? undefined
        : perMtok(entry.cache_read_input_token_cost),
    cacheWriteUsdPerMtok:
      entry.cache_creation_input_token_cost === undefined
        ? undefined
        : perMtok(entry.cache_creation_input_token_cost),
  }
  const other = genaiPrice(genai, model, AS_OF)
  const announced = other?.since !== undefined && other.since > LITELLM_DATE
  const disputed =
    other !== undefined &&
    !announced &&
    (differs(other.price.inputUsdPerMtok, listed.inputUsdPerMtok) ||
      differs(other.price.outputUsdPerMtok, listed.outputUsdPerMtok))
  return {
    provider,
    model,
    ...(announced ? other.price : listed),
    contextWindowTokens: contextWindowTokens(provider, entry),
    maxOutputTokens: entry.max_output_tokens,
    capabilities: capabilities(provider, entry),
    source: announced ? 'genai-prices' : 'litellm',
    date: announced ? other.since : LITELLM_DATE,
    disputed: disputed
      ? {
          source: 'genai-prices',
          inputUsdPerMtok: other.price.inputUsdPerMtok,
          outputUsdPerMtok: other.price.outputUsdPerMtok,
        }
      : undefined,
  }
}

function readRegistry(file: string): unknown {
  return JSON.parse(gunzipSync(readFileSync(sharedPath('data/prices', file))).toString())
}

/** The whole table as plain JSON. @throws {Error} naming a selected model that is missing, without a price or retired. */
export function buildPriceTable(): unknown {
  const litellm = readRegistry(`litellm_${LITELLM_DATE}.json.gz`) as Record<string, LitellmEntry>
  const genai = readRegistry('genai-prices.json.gz') as GenaiProvider[]
  const rows = Object.entries(SELECTION).flatMap(([provider, { prefix, genai: genaiId, models }]) => {
    const second = genai.find(({ id }) => id === genaiId)
    if (second === undefined) throw new Error(`no provider ${genaiId} in genai-prices`)
    return models.map((model) => {
      const entry = litellm[prefix + model]
      if (entry === undefined) throw new Error(`no ${prefix}${model} in litellm`)
      return buildRow(provider, model, entry, second)
    })
  })
  return JSON.parse(JSON.stringify({ asOf: AS_OF, registries: REGISTRIES, rows }))
}

if (import.meta.main) {
  const file = resolve(join(import.meta.dirname, '../../adapters/providers/prices.json'))
  const text = JSON.stringify(buildPriceTable(), null, 2)
  // Lists of names on one line, as the formatter has them.
  writeFileSync(
    file,
    `${text.replace(/\[\n\s+("[^\]]*?)\n\s+\]/g, (_, items: string) => `[${items.replace(/\n\s+/g, ' ')}]`)}\n`,
  )
}
