/** Providers that need no more than a key: where they are, how they speak, what the environment calls their key. */
import type { Dialect, OpenAiQuirks } from '../../adapters/index.ts'

export interface WellKnownProvider {
  readonly dialect: Dialect
  /** Undefined for the generic type, whose address only its owner knows. */
  readonly baseUrl: string | undefined
  /** Environment variables that hold the key by custom; the first that is set wins. */
  readonly keyVariables: readonly string[]
  readonly quirks?: OpenAiQuirks
  /** Runs on one's own machines: needs no key, and a model without a price is free. */
  readonly selfHosted?: true
}

/** By the `type` of a provider in the config. The names are also those of the bundled price table. */
export const WELL_KNOWN_PROVIDERS = {
  openai: {
    dialect: 'openai-compatible',
    baseUrl: 'https://api.openai.com/v1',
    keyVariables: ['OPENAI_API_KEY'],
  },
  anthropic: {
    dialect: 'anthropic',
    baseUrl: 'https://api.anthropic.com',
    keyVariables: ['ANTHROPIC_API_KEY'],
  },
  google: {
    dialect: 'google',
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta',
    keyVariables: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
  },
  groq: {
    dialect: 'openai-compatible',
    baseUrl: 'https://api.groq.com/openai/v1',
    keyVariables: ['GROQ_API_KEY'],
    quirks: {
      maxTokensField: 'max_completion_tokens',
      dropFields: ['logprobs', 'top_logprobs', 'logit_bias'],
    },
  },
  mistral: {
    dialect: 'openai-compatible',
    baseUrl: 'https://api.mistral.ai/v1',
    keyVariables: ['MISTRAL_API_KEY'],
    // It answers unknown fields, `stream_options` among them, with 422, and sends usage unasked.
    quirks: { streamUsageOption: false },
  },
  deepseek: {
    dialect: 'openai-compatible',
    baseUrl: 'https://api.deepseek.com',
    keyVariables: ['DEEPSEEK_API_KEY'],
  },
  xai: { dialect: 'openai-compatible', baseUrl: 'https://api.x.ai/v1', keyVariables: ['XAI_API_KEY'] },
  together: {
    dialect: 'openai-compatible',
    baseUrl: 'https://api.together.xyz/v1',
    keyVariables: ['TOGETHER_API_KEY'],
  },
  fireworks: {
    dialect: 'openai-compatible',
    baseUrl: 'https://api.fireworks.ai/inference/v1',
    keyVariables: ['FIREWORKS_API_KEY'],
  },
  openrouter: {
    dialect: 'openai-compatible',
    baseUrl: 'https://openrouter.ai/api/v1',
    keyVariables: ['OPENROUTER_API_KEY'],
  },
  cerebras: {
    dialect: 'openai-compatible',
    baseUrl: 'https://api.cerebras.ai/v1',
    keyVariables: ['CEREBRAS_API_KEY'],
    quirks: { dropFields: ['presence_penalty', 'frequency_penalty', 'logit_bias'] },
  },
  perplexity: {
    dialect: 'openai-compatible',
    baseUrl: 'https://api.perplexity.ai',
    keyVariables: ['PERPLEXITY_API_KEY'],
  },
  ollama: {
    dialect: 'openai-compatible',
    baseUrl: 'http://127.0.0.1:11434/v1',
    keyVariables: ['OLLAMA_API_KEY'],
    selfHosted: true,
  },
  vllm: {
    dialect: 'openai-compatible',
    baseUrl: 'http://127.0.0.1:8000/v1',
    keyVariables: ['VLLM_API_KEY'],
    selfHosted: true,
  },
  'openai-compatible': { dialect: 'openai-compatible', baseUrl: undefined, keyVariables: [] },
} as const satisfies Record<string, WellKnownProvider>

export type ProviderType = keyof typeof WELL_KNOWN_PROVIDERS
export const PROVIDER_TYPES = Object.keys(WELL_KNOWN_PROVIDERS) as readonly ProviderType[]

export function isProviderType(name: string): name is ProviderType {
  return Object.hasOwn(WELL_KNOWN_PROVIDERS, name)
}

/** The provider's key by custom: the first of its variables that is set and not empty. */
export function keyFromEnvironment(
  type: ProviderType,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  for (const variable of WELL_KNOWN_PROVIDERS[type].keyVariables) {
    if (env[variable]) return env[variable]
  }
  return undefined
}
