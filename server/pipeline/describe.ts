/** A request's text → facts. The text goes to the engine and to the token counter, and no further. */
import type { ChatMessage, ChatRequest } from '../../adapters/index.ts'
import { describeRequest, type RequestFacts } from '../../engine/index.ts'
import type { AppDeps } from '../deps.ts'

/** Schemas of tools are told by their length: text that dense has about so many characters a token. */
const SCHEMA_CHARS_PER_TOKEN = 4

export function describe(
  request: ChatRequest,
  requestClass: string | undefined,
  tokens: AppDeps['tokens'],
): RequestFacts {
  let imageCount = 0
  const messages = request.messages.map((message) => {
    const { text, images } = readContent(message)
    imageCount += images
    return { role: message.role, text }
  })
  const toolCount = request.tools?.length ?? 0
  const toolTokens = toolCount === 0 ? 0 : JSON.stringify(request.tools).length / SCHEMA_CHARS_PER_TOKEN
  const requestedOutputTokens = request.max_completion_tokens ?? request.max_tokens ?? undefined
  return describeRequest({
    messages,
    promptTokens: tokens.countMessages(request.messages) + Math.ceil(toolTokens),
    toolCount,
    imageCount,
    wantsSchema: request.response_format?.type === 'json_schema',
    ...(requestedOutputTokens !== undefined && { requestedOutputTokens }),
    ...(requestClass !== undefined && { requestClass }),
  })
}

function readContent({ content }: ChatMessage): { readonly text: string; readonly images: number } {
  if (typeof content === 'string') return { text: content, images: 0 }
  let images = 0
  const texts: string[] = []
  for (const part of content ?? []) {
    if (part.type === 'text') texts.push(part.text)
    else if (part.type === 'image_url') images++
  }
  return { text: texts.join('\n'), images }
}
