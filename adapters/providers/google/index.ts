/** Google's Gemini API. */
import { createChatProvider } from '../chat-provider.ts'
import { type Codec, hasStop } from '../codec.ts'
import type { Provider, ProviderConfig } from '../spec.ts'
import type { ReadingContext } from './context.ts'
import { encodeRequest } from './request.ts'
import { decodeAnswer } from './response.ts'
import { GeminiStreamDecoder } from './stream.ts'

/** `baseUrl` up to and including the version: `https://generativelanguage.googleapis.com/v1beta`. */
export function createGoogleProvider(config: ProviderConfig): Provider {
  const codec: Codec = {
    // Never as `?key=`, which ends in the logs of every proxy on the way.
    headers: config.apiKey === undefined ? {} : { 'x-goog-api-key': config.apiKey },
    encode(call, streaming) {
      const origin = `${config.name}/${call.model}`
      const context: ReadingContext = {
        upstream: config.name,
        secret: config.apiKey,
        origin,
        functions: new Set(call.request.tools?.flatMap((tool) => tool.function?.name ?? [])),
        mayBeEmpty: hasStop(call.request),
      }
      return {
        path: pathOf(call.model, streaming),
        streams: streaming,
        ...encodeRequest(call, streaming, origin),
        decodeAnswer: (body) => decodeAnswer(context, body),
        createStreamDecoder: () => new GeminiStreamDecoder(context),
      }
    },
  }
  return createChatProvider(config, codec)
}

/** `models/` is put before a plain name; tuned models bring their own collection. */
function pathOf(model: string, streaming: boolean): string {
  const name = (model.includes('/') ? model : `models/${model}`).split('/').map(encodeURIComponent).join('/')
  return `/${name}:${streaming ? 'streamGenerateContent?alt=sse' : 'generateContent'}`
}
