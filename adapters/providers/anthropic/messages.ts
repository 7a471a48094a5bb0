/** OpenAI's messages → `system` and `messages` of Anthropic. */
import {
  argumentsObject,
  type Blocks,
  EMPTY_RESULT,
  mergeNeighbours,
  NO_RESULT,
  PLACEHOLDER,
  readConversation,
  type Turn,
} from '../conversation.ts'
import { unsupported } from '../failures.ts'
import { fileData, parseDataUrl } from '../media.ts'
import type { ChatMessage, ContentPart, Warning } from '../spec.ts'
import { asRecord, asString, type Wire } from '../wire.ts'
import type { ClaudeTraits } from './models.ts'
import { fromReasoningDetails } from './thinking-blocks.ts'
import { encodeToolId } from './tool-ids.ts'

export interface EncodedMessages {
  readonly system: string | readonly Wire[] | undefined
  readonly messages: readonly { readonly role: string; readonly content: readonly Wire[] }[]
  readonly warnings: readonly Warning[]
  /** Names of the functions that earlier turns called. */
  readonly calledTools: readonly string[]
  /** A turn that is still between call and answer lacks the thinking that must come first in it. */
  readonly lacksThinking: boolean
}

type Role = 'user' | 'assistant' | 'system'

/**
 * @param origin provider and model: thinking that another one signed is left out.
 * @throws {UpstreamError} for parts that Anthropic has no block for.
 */
export function encodeMessages(
  messages: readonly ChatMessage[],
  traits: ClaudeTraits,
  origin: string,
): EncodedMessages {
  const { system, turns, warnings: repairs } = readConversation(messages)
  const warnings = [...repairs]
  const blocks = turns.flatMap((turn) => encodeTurn(turn, traits, origin, warnings))
  const merged = [...mergeNeighbours(blocks)]
  if (merged[0] === undefined || (merged[0].role === 'assistant' && traits.prefill)) {
    merged.unshift({ role: 'user', blocks: [text(PLACEHOLDER)] })
  }
  return {
    system: encodeSystem(system),
    messages: endWell(merged, traits, warnings).map(({ role, blocks: content }) => ({ role, content })),
    warnings,
    calledTools: turns.flatMap((turn) =>
      turn.role === 'assistant' ? turn.exchanges.map(({ call }) => call.function.name) : [],
    ),
    lacksThinking: lacksThinking(turns, origin),
  }
}

function encodeSystem(parts: readonly ContentPart[]): string | readonly Wire[] | undefined {
  if (parts.length === 0) return undefined
  const blocks = parts.map(encodePart)
  const isPlain = blocks.every((block) => block['cache_control'] === undefined)
  return isPlain ? blocks.map((block) => asString(block['text']) ?? '').join('\n\n') : blocks
}

function encodeTurn(
  turn: Turn,
  traits: ClaudeTraits,
  origin: string,
  warnings: Warning[],
): readonly Blocks<Role>[] {
  if (turn.role === 'user') return [{ role: 'user', blocks: turn.parts.map(encodePart) }]
  if (turn.role === 'system') {
    if (traits.inlineSystem) return [{ role: 'system', blocks: turn.parts.map(encodePart) }]
    const field = 'messages'
    warnings.push({ field, message: 'A system message after the first turn was sent as marked user text' })
    const words = turn.parts.map((part) => (part.type === 'text' ? part.text : '')).join('\n')
    return [{ role: 'user', blocks: [text(`<system>\n${words}\n</system>`)] }]
  }
  const calls = turn.exchanges.map(({ call }) => ({
    type: 'tool_use',
    id: encodeToolId(call.id),
    name: call.function.name,
    input: argumentsObject(call),
  }))
  // Every call needs its result in the very next message, and results come first in it.
  const results = turn.exchanges.map(({ call, result }) => encodeResult(encodeToolId(call.id), result))
  return [
    {
      role: 'assistant',
      blocks: [...fromReasoningDetails(turn.message, origin), ...turn.parts.map(encodePart), ...calls],
    },
    { role: 'user', blocks: results },
  ]
}

function encodeResult(id: string, result: readonly ContentPart[] | undefined): Wire {
  const base = { type: 'tool_result', tool_use_id: id }
  if (result === undefined) return { ...base, is_error: true, content: NO_RESULT }
  if (result.length === 0) return { ...base, content: EMPTY_RESULT }
  const [only] = result
  return {
    ...base,
    content: result.length === 1 && only?.type === 'text' ? only.text : result.map(encodePart),
  }
}

function encodePart(part: ContentPart): Wire {
  const cacheControl = asRecord((part as unknown as Wire)['cache_control'])
  return { ...encodeBare(part), ...(cacheControl !== undefined && { cache_control: cacheControl }) }
}

function encodeBare(part: ContentPart): Wire {
  switch (part.type) {
    case 'text':
      return text(part.text)
    case 'refusal':
      return text(part.refusal)
    case 'image_url':
      return { type: 'image', source: sourceOf(part.image_url.url) }
    case 'file': {
      const file = fileData(part)
      if (file === undefined) {
        throw unsupported(
          'messages',
          'Anthropic takes files as file_data only; send the content, not a file_id',
        )
      }
      return { type: 'document', source: base64(file.mimeType, file.data) }
    }
    case 'input_audio':
      throw unsupported('messages', 'Anthropic takes no audio; route this request to a model that does')
    default:
      throw unsupported(
        'messages',
        `Anthropic takes no content part of type ${(part as { type: string }).type}`,
      )
  }
}

function sourceOf(url: string): Wire {
  const inline = parseDataUrl(url)
  return inline === undefined ? { type: 'url', url } : base64(inline.mimeType, inline.data)
}

function base64(mediaType: string, data: string): Wire {
  return { type: 'base64', media_type: mediaType, data }
}

function text(words: string): Wire {
  return { type: 'text', text: words }
}

/** A last message of the assistant is continued by older models, with no white space at its end, and refused by newer ones. */
function endWell(
  messages: readonly Blocks<Role>[],
  { prefill }: ClaudeTraits,
  warnings: Warning[],
): readonly Blocks<Role>[] {
  const last = messages.at(-1)
  if (last?.role !== 'assistant') return messages
  if (!prefill) {
    warnings.push({
      field: 'messages',
      message: `This model does not continue a last assistant message; "${PLACEHOLDER}" was added`,
    })
    return [...messages, { role: 'user', blocks: [text(PLACEHOLDER)] }]
  }
  const end = last.blocks.at(-1)
  const words = asString(end?.['text'])
  if (end === undefined || words === undefined) return messages
  const trimmed = { ...end, text: words.trimEnd() }
  return [...messages.slice(0, -1), { role: last.role, blocks: [...last.blocks.slice(0, -1), trimmed] }]
}

/** With thinking on, the turn whose calls were just answered must begin with the thinking that led to them. */
function lacksThinking(turns: readonly Turn[], origin: string): boolean {
  const last = turns.findLast(({ role }) => role === 'assistant' || role === 'user')
  return (
    last?.role === 'assistant' &&
    last.exchanges.length > 0 &&
    fromReasoningDetails(last.message, origin).length === 0
  )
}
