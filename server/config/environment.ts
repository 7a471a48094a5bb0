/** No configuration file: every provider whose key is in the environment brings a few arms. */
import type { Registry } from '../registry.ts'
import { buildRegistry } from './build/registry.ts'
import type { Environment } from './interpolate.ts'
import { configSchema } from './schema.ts'
import { keyFromEnvironment, type ProviderType } from './well-known.ts'

/**
 * Starting beliefs by size of model: our judgement, spread wide enough that nothing is shut out. Outcomes soon outweigh
 * them.
 */
const SIZES = {
  small: { quality: 0.6, ttftMs: 450, tpotMs: 7, outputTokens: 250 },
  medium: { quality: 0.7, ttftMs: 700, tpotMs: 12, outputTokens: 300 },
  large: { quality: 0.78, ttftMs: 1_200, tpotMs: 20, outputTokens: 350 },
} as const
type Size = keyof typeof SIZES

/**
 * All are in the bundled price table, undisputed. Perplexity is left out: it searches the web for every question and
 * charges for that.
 */
const DEFAULT_ARMS: Readonly<Partial<Record<ProviderType, Readonly<Record<string, Size>>>>> = {
  openai: { 'gpt-5.4-nano': 'small', 'gpt-5.4-mini': 'medium', 'gpt-5.6-sol': 'large' },
  anthropic: { 'claude-haiku-4-5': 'small', 'claude-sonnet-5': 'medium', 'claude-opus-5': 'large' },
  google: {
    'gemini-3.1-flash-lite': 'small',
    'gemini-3.6-flash': 'medium',
    'gemini-3.1-pro-preview': 'large',
  },
  groq: { 'openai/gpt-oss-20b': 'small', 'openai/gpt-oss-120b': 'medium' },
  mistral: { 'ministral-3-14b-2512': 'small', 'mistral-large-2512': 'medium' },
  deepseek: { 'deepseek-v4-flash': 'small', 'deepseek-v4-pro': 'medium' },
  xai: { 'grok-4.3': 'medium', 'grok-4.5': 'large' },
  together: { 'openai/gpt-oss-20b': 'small', 'moonshotai/Kimi-K2.5': 'medium' },
  fireworks: {
    'accounts/fireworks/models/gpt-oss-120b': 'small',
    'accounts/fireworks/models/kimi-k2p6': 'medium',
  },
  openrouter: {
    'google/gemini-3.1-flash-lite': 'small',
    'openai/gpt-4.1-mini': 'medium',
    'anthropic/claude-sonnet-4.6': 'large',
  },
  cerebras: { 'gpt-oss-120b': 'small', 'zai-glm-4.7': 'medium' },
}

/** Undefined when the environment has no provider's key. */
export function registryFromEnvironment(
  env: Environment,
  { dataDir }: { readonly dataDir?: string | undefined } = {},
): Registry | undefined {
  const providers = (Object.keys(DEFAULT_ARMS) as ProviderType[]).filter((type) =>
    keyFromEnvironment(type, env),
  )
  if (providers.length === 0) return undefined
  const arms = Object.fromEntries(
    providers.flatMap((type) =>
      Object.entries(DEFAULT_ARMS[type] ?? {}).map(([model, size]) => [
        `${type}/${model}`,
        { tags: [size], prior: SIZES[size] },
      ]),
    ),
  )
  const config = configSchema.parse({
    providers: Object.fromEntries(providers.map((type) => [type, {}])),
    arms,
  })
  const none: ReadonlySet<string> = new Set()
  const names = {
    providers: new Set<string>(providers),
    arms: new Set(Object.keys(arms)),
    models: none,
    aliases: none,
    policies: none,
    armsByTag: new Map(),
  }
  return buildRegistry(
    config,
    { reporter: REFUSING, names, env },
    { source: 'environment', directory: '.', dataDir },
  )
}

/** What this file writes itself has no problems; if it had, that is a fault of the program and not of its user. */
const REFUSING = {
  report(path: readonly (string | number)[], _part: string, message: string): never {
    throw new Error(`the default arms are not valid: ${path.join('.')}: ${message}`)
  },
  has: () => false,
  isSubstituted: () => false,
}
