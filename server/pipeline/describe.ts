/**
 * A request's text → facts. The text goes to the engine and to the token counter, and no further; where an embedding
 * endpoint is configured, its end goes there as well.
 */
import type { ChatMessage, ChatRequest } from '../../adapters/index.ts'
import {
  describeRequest,
  type FeatureSpace,
  type RequestFacts,
  type RequestText,
  TEXT_SCAN_CHARS,
  userText,
} from '../../engine/index.ts'
import type { Services } from '../services.ts'

/** Schemas of tools are told by their length: text that dense has about so many characters a token. */
const SCHEMA_CHARS_PER_TOKEN = 4

/** A request as one feature space has it described. */
export interface SpaceFacts {
  readonly space: FeatureSpace
  readonly facts: RequestFacts
}

/**
 * Waits for an embedding, where there is an endpoint, at most as long as that is given.
 *
 * @returns the facts for each feature space that learns, the configuration's first
 */
export async function describe(
  services: Pick<Services, 'slots' | 'tokens' | 'embeddings'>,
  request: ChatRequest,
  requestClass: string | undefined,
): Promise<readonly [SpaceFacts, ...SpaceFacts[]]> {
  const { slots, tokens, embeddings } = services
  const [space, ...others] = slots.spaces
  const read = readText(request, requestClass, tokens)
  const bare = describeRequest(read, space.text)
  const prompt = embeddings === undefined ? '' : userText(read, TEXT_SCAN_CHARS)
  const text = prompt === '' ? undefined : await embeddings?.describe(prompt)
  const facts = text === undefined ? bare : { ...bare, text }
  if (others.length === 0) return [{ space, facts }]
  return [{ space, facts }, ...others.map((other) => ({ space: other, facts: factsFor(other, facts, read) }))]
}

/** All facts are alike but those of the text; who is told embeddings is told the same ones. */
function factsFor(
  { text: block }: FeatureSpace,
  { text, ...facts }: RequestFacts,
  read: RequestText,
): RequestFacts {
  if (block === undefined) return facts
  if (block.kind === 'words') return { ...facts, text: block.describe(userText(read, TEXT_SCAN_CHARS)) }
  return text === undefined ? facts : { ...facts, text }
}

function readText(
  request: ChatRequest,
  requestClass: string | undefined,
  tokens: Services['tokens'],
): RequestText {
  let imageCount = 0
  const messages = request.messages.map((message) => {
    const { text, images } = readContent(message)
    imageCount += images
    return { role: message.role, text }
  })
  const toolCount = request.tools?.length ?? 0
  const toolTokens = toolCount === 0 ? 0 : JSON.stringify(request.tools).length / SCHEMA_CHARS_PER_TOKEN
  const requestedOutputTokens = request.max_completion_tokens ?? request.max_tokens ?? undefined
  return {
    messages,
    promptTokens: tokens.countMessages(request.messages) + Math.ceil(toolTokens),
    toolCount,
    imageCount,
    wantsSchema: request.response_format?.type === 'json_schema',
    ...(requestedOutputTokens !== undefined && { requestedOutputTokens }),
    ...(requestClass !== undefined && { requestClass }),
  }
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
