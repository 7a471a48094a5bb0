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

export interface Described {
  /** In the configuration's feature space. */
  readonly facts: RequestFacts
  readonly read: RequestText
}

export function describe(
  { router, tokens }: Pick<Services, 'router' | 'tokens'>,
  request: ChatRequest,
  requestClass: string | undefined,
): Described {
  const read = readText(request, requestClass, tokens)
  return { facts: describeRequest(read, router.featureSpace.text), read }
}

/** The same with the endpoint's embedding, for which it waits at most as long as that is given. */
export async function withEmbedding(
  described: Described,
  embeddings: NonNullable<Services['embeddings']>,
): Promise<Described> {
  const prompt = userText(described.read, TEXT_SCAN_CHARS)
  const text = prompt === '' ? undefined : await embeddings.describe(prompt)
  return text === undefined ? described : { ...described, facts: { ...described.facts, text } }
}

/** For another feature space: only what is told of the text differs, and whoever is told embeddings is told the same ones. */
export function factsIn({ text: block }: FeatureSpace, { facts: described, read }: Described): RequestFacts {
  const { text, ...facts } = described
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
