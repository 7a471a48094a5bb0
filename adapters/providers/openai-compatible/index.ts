/** OpenAI chat completions and everything that speaks its dialect. */
import { createChatProvider } from '../chat-provider.ts'
import { type Codec, hasStop } from '../codec.ts'
import type { Provider, ProviderConfig } from '../spec.ts'
import type { ReadingContext } from './context.ts'
import { resolveQuirks } from './quirks.ts'
import { encodeRequest, forcesNamedTool } from './request.ts'
import { decodeAnswer } from './response.ts'
import { OpenAiStreamDecoder } from './stream.ts'

const PATH = '/chat/completions'

/** `baseUrl` up to and including the version: `https://api.openai.com/v1`. */
export function createOpenAiCompatibleProvider(config: ProviderConfig): Provider {
  return createChatProvider(config, createCodec(config))
}

function createCodec(config: ProviderConfig): Codec {
  const quirks = resolveQuirks(config)
  return {
    headers: config.apiKey === undefined ? {} : { authorization: `Bearer ${config.apiKey}` },
    encode(call, streaming) {
      const context: ReadingContext = {
        upstream: config.name,
        secret: config.apiKey,
        repairStopAfterTools: quirks.repairStopAfterTools && !forcesNamedTool(call.request),
        choices: call.request.n ?? 1,
        mayBeEmpty: hasStop(call.request),
      }
      return {
        path: PATH,
        ...encodeRequest(call, streaming, quirks),
        decodeAnswer: (body) => decodeAnswer(context, body),
        createStreamDecoder: () => new OpenAiStreamDecoder(context),
      }
    },
  }
}
