/** Anthropic messages. */
import { createChatProvider } from '../chat-provider.ts'
import type { Codec } from '../codec.ts'
import type { Provider, ProviderConfig } from '../spec.ts'
import type { ReadingContext } from './context.ts'
import { encodeRequest } from './request.ts'
import { decodeAnswer } from './response.ts'
import { AnthropicStreamDecoder } from './stream.ts'

const VERSION = '2023-06-01'
/** Tokens of a subscription, as opposed to API keys, go into another header. */
const OAUTH_PREFIX = 'sk-ant-oat'

/** `baseUrl` without the version: `https://api.anthropic.com`. */
export function createAnthropicProvider(config: ProviderConfig): Provider {
  const codec: Codec = {
    headers: { 'anthropic-version': VERSION, ...credential(config.apiKey) },
    encode(call, streaming) {
      const origin = `${config.name}/${call.model}`
      const { answerTool, ...encoded } = encodeRequest(call, streaming, origin)
      const context: ReadingContext = { upstream: config.name, secret: config.apiKey, origin, answerTool }
      return {
        path: '/v1/messages',
        ...encoded,
        decodeAnswer: (body) => decodeAnswer(context, body),
        createStreamDecoder: () => new AnthropicStreamDecoder(context),
      }
    },
  }
  return createChatProvider(config, codec)
}

function credential(apiKey: string | undefined): Readonly<Record<string, string>> {
  if (apiKey === undefined) return {}
  return apiKey.startsWith(OAUTH_PREFIX) ? { authorization: `Bearer ${apiKey}` } : { 'x-api-key': apiKey }
}
