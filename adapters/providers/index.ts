/** A provider for every dialect. */
import { createAnthropicProvider } from './anthropic/index.ts'
import { createGoogleProvider } from './google/index.ts'
import { createOpenAiCompatibleProvider } from './openai-compatible/index.ts'
import type { Dialect, Provider, ProviderConfig } from './spec.ts'

const FACTORIES: Readonly<Record<Dialect, (config: ProviderConfig) => Provider>> = {
  'openai-compatible': createOpenAiCompatibleProvider,
  anthropic: createAnthropicProvider,
  google: createGoogleProvider,
}

/**
 * Opens a connection pool to one upstream and speaks its dialect. No socket is opened before the first call.
 * @throws {TypeError} when `baseUrl` is not an http or https URL.
 */
export function createProvider(config: ProviderConfig): Provider {
  return FACTORIES[config.dialect](config)
}
