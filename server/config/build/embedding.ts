import type { EmbeddingSettings } from '../../registry.ts'
import { didYouMean } from '../nearest.ts'
import type { Config } from '../schema.ts'
import type { BuiltProvider } from './providers.ts'
import type { Scope } from './scope.ts'

/** Undefined where there is none, and after a problem was reported. */
export function buildEmbedding(
  { features: { embedding } }: Config,
  providers: ReadonlyMap<string, BuiltProvider>,
  { reporter, names }: Scope,
): EmbeddingSettings | undefined {
  if (embedding === undefined) return undefined
  const path = ['features', 'embedding']
  const provider = providers.get(embedding.provider)?.config
  if (provider === undefined) {
    // One that is there and could not be built has been told of already.
    if (!names.providers.has(embedding.provider)) {
      const hint = didYouMean(embedding.provider, names.providers)
      reporter.report([...path, 'provider'], 'value', `no provider "${embedding.provider}"${hint}`)
    }
    return undefined
  }
  if (provider.dialect !== 'openai-compatible') {
    reporter.report(
      [...path, 'provider'],
      'value',
      `"${embedding.provider}" does not speak OpenAI's format; give one that has /embeddings below its baseUrl`,
    )
    return undefined
  }
  if (embedding.components > embedding.dimensions) {
    reporter.report([...path, 'components'], 'value', `must be at most dimensions, ${embedding.dimensions}`)
    return undefined
  }
  return { ...embedding, provider }
}
