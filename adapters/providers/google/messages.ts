/** OpenAI's messages → `systemInstruction` and `contents` of Gemini. */
import {
  argumentsObject,
  type Blocks,
  EMPTY_RESULT,
  type Exchange,
  mergeNeighbours,
  NO_RESULT,
  PLACEHOLDER,
  readConversation,
  type Turn,
} from '../conversation.ts'
import { unsupported } from '../failures.ts'
import { fileData, parseDataUrl } from '../media.ts'
import type { ChatMessage, ContentPart, Warning } from '../spec.ts'
import { asRecord, asString, parseJson, type Wire } from '../wire.ts'
import type { GeminiTraits } from './models.ts'
import { readSignature, SIGNATURE_PLACEHOLDER } from './signatures.ts'

export interface EncodedMessages {
  readonly systemInstruction: Wire | undefined
  readonly contents: readonly { readonly role: string; readonly parts: readonly Wire[] }[]
  readonly warnings: readonly Warning[]
}
type Role = 'user' | 'model'

const MIME_BY_EXTENSION: Readonly<Record<string, string>> = {
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
  heic: 'image/heic',
  pdf: 'application/pdf',
}

/**
 * @param origin provider and model: signatures of another one are replaced.
 * @throws {UpstreamError} for parts that Gemini has no words for.
 */
export function encodeMessages(
  messages: readonly ChatMessage[],
  traits: GeminiTraits,
  origin: string,
): EncodedMessages {
  const { system, turns, warnings: repairs } = readConversation(messages)
  const warnings = [...repairs]
  const merged = [...mergeNeighbours(turns.flatMap((turn) => encodeTurn(turn, traits, origin, warnings)))]
  if (merged.length === 0) merged.push({ role: 'user', blocks: [{ text: PLACEHOLDER }] })
  return {
    systemInstruction: system.length === 0 ? undefined : { parts: system.map(encodePart) },
    contents: merged.map(({ role, blocks: parts }) => ({ role, parts })),
    warnings,
  }
}

function encodeTurn(
  turn: Turn,
  traits: GeminiTraits,
  origin: string,
  warnings: Warning[],
): readonly Blocks<Role>[] {
  if (turn.role === 'user') return [{ role: 'user', blocks: turn.parts.map(encodePart) }]
  if (turn.role === 'system') {
    warnings.push({
      field: 'messages',
      message: 'A system message after the first turn was sent as user text',
    })
    return [{ role: 'user', blocks: turn.parts.map(encodePart) }]
  }
  const calls = turn.exchanges.map(({ call }, position) => {
    const own = readSignature(call, origin)
    // Of parallel calls only the first carries one.
    const needed = position === 0 && traits.needsSignature ? SIGNATURE_PLACEHOLDER : undefined
    const signature = own ?? needed
    return {
      functionCall: { name: call.function.name, args: argumentsObject(call) },
      ...(signature !== undefined && { thoughtSignature: signature }),
    }
  })
  return [
    { role: 'model', blocks: [...encodeSpoken(turn.parts, turn.message, origin), ...calls] },
    { role: 'user', blocks: turn.exchanges.map(encodeResult) },
  ]
}

/** What the model said; a signature that came with it belongs to its last part. */
function encodeSpoken(parts: readonly ContentPart[], message: ChatMessage, origin: string): readonly Wire[] {
  const spoken = parts.map(encodePart)
  const last = spoken.at(-1)
  const signature = readSignature(message, origin)
  return last === undefined || signature === undefined
    ? spoken
    : [...spoken.slice(0, -1), { ...last, thoughtSignature: signature }]
}

/** Results are told apart by the function's name; the response must be an object. */
function encodeResult({ call, result }: Exchange): Wire {
  return { functionResponse: { name: call.function.name, response: responseOf(result) } }
}

function responseOf(result: readonly ContentPart[] | undefined): Wire {
  if (result === undefined) return { error: NO_RESULT }
  const text = result.map((part) => (part.type === 'text' ? part.text : `(${part.type})`)).join('\n')
  return asRecord(parseJson(text)) ?? { result: text === '' ? EMPTY_RESULT : text }
}

function encodePart(part: ContentPart): Wire {
  switch (part.type) {
    case 'text':
      return { text: part.text }
    case 'refusal':
      return { text: part.refusal }
    case 'image_url':
      return encodeUrl(part.image_url.url)
    case 'input_audio': {
      const format = asString(part.input_audio['format']) ?? 'wav'
      return { inlineData: { mimeType: `audio/${format}`, data: asString(part.input_audio['data']) ?? '' } }
    }
    case 'file': {
      const inlineData = fileData(part)
      if (inlineData !== undefined) return { inlineData }
      throw unsupported('messages', 'Gemini takes files as file_data only; send the content, not a file_id')
    }
    default:
      throw unsupported('messages', `Gemini takes no content part of type ${(part as { type: string }).type}`)
  }
}

function encodeUrl(url: string): Wire {
  const inlineData = parseDataUrl(url)
  if (inlineData !== undefined) return { inlineData }
  const extension = /\.(\w+)(?:[?#]|$)/.exec(url)?.[1]?.toLowerCase() ?? ''
  const mimeType = Object.hasOwn(MIME_BY_EXTENSION, extension) ? MIME_BY_EXTENSION[extension] : undefined
  return { fileData: { ...(mimeType !== undefined && { mimeType }), fileUri: url } }
}
