/**
 * OpenAI's message list as turns: for dialects in which a tool's result is not a message of its own but must follow its call
 * at once. Repairs what the order of a list allows and those dialects refuse.
 */
import type { ChatMessage, ContentPart, ToolCall, Warning } from './spec.ts'
import { asRecord, asString, parseJson, type Wire } from './wire.ts'

export interface Conversation {
  /** Leading system and developer messages. */
  readonly system: readonly ContentPart[]
  readonly turns: readonly Turn[]
  readonly warnings: readonly Warning[]
}
export type Turn =
  | { readonly role: 'user'; readonly parts: readonly ContentPart[] }
  /** A system message later in the list. */
  | { readonly role: 'system'; readonly parts: readonly ContentPart[] }
  | {
      readonly role: 'assistant'
      readonly parts: readonly ContentPart[]
      readonly exchanges: readonly Exchange[]
      readonly message: ChatMessage
    }

/** A call and what came back; undefined when the list holds no result for it. */
export interface Exchange {
  readonly call: ToolCall
  result: readonly ContentPart[] | undefined
}

/** Text that stands where a dialect demands some and the caller gave none. */
export const PLACEHOLDER = 'Continue.'
export const NO_RESULT = 'No result was returned for this call.'
export const EMPTY_RESULT = '(no output)'

export function readConversation(messages: readonly ChatMessage[]): Conversation {
  const firstTurn = messages.findIndex(({ role }) => role !== 'system' && role !== 'developer')
  const leading = firstTurn === -1 ? messages : messages.slice(0, firstTurn)
  const turns: Turn[] = []
  const warnings: Warning[] = []
  let open: readonly Exchange[] = []
  for (const message of messages.slice(leading.length)) {
    const parts = partsOf(message)
    if (message.role === 'user') {
      turns.push({ role: 'user', parts })
    } else if (message.role === 'assistant') {
      open = callsOf(message).map((call) => ({ call, result: undefined }))
      turns.push({ role: 'assistant', parts, exchanges: open, message })
    } else if (message.role === 'system' || message.role === 'developer') {
      turns.push({ role: 'system', parts })
    } else {
      const exchange = open.find(
        (candidate) => candidate.result === undefined && answers(message, candidate.call),
      )
      if (exchange !== undefined) {
        exchange.result = parts
      } else {
        turns.push({
          role: 'user',
          parts: [{ type: 'text', text: 'Result of an earlier tool call:' }, ...parts],
        })
        warnings.push({
          field: 'messages',
          message: `The tool result ${message.tool_call_id ?? message.name ?? ''} answers no call before it and was sent as user text`,
        })
      }
    }
  }
  return { system: leading.flatMap(partsOf), turns, warnings }
}

/** The parts of a message, blank text left out. */
function partsOf({ content }: ChatMessage): readonly ContentPart[] {
  const parts: readonly ContentPart[] =
    typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? [])
  return parts.filter((part) => part.type !== 'text' || part.text.trim() !== '')
}

/** `tool_calls`, or the one of the older `function_call`. */
function callsOf(message: ChatMessage): readonly ToolCall[] {
  if (message.tool_calls !== undefined) return message.tool_calls
  const legacy = asRecord(message['function_call'])
  const name = asString(legacy?.['name'])
  if (name === undefined) return []
  return [
    {
      id: `call_${name}`,
      type: 'function',
      function: { name, arguments: asString(legacy?.['arguments']) ?? '{}' },
    },
  ]
}

function answers(message: ChatMessage, call: ToolCall): boolean {
  return message.tool_call_id === undefined
    ? message.name === call.function.name
    : message.tool_call_id === call.id
}

/** Arguments as the object that native dialects want. What is not one (a cut-off string) is kept as text under `arguments`. */
export function argumentsObject(call: ToolCall): Wire {
  const text = call.function.arguments
  if (text.trim() === '') return {}
  return asRecord(parseJson(text)) ?? { arguments: text }
}

export interface Blocks<Role extends string> {
  readonly role: Role
  readonly blocks: readonly Wire[]
}

/** Neighbours with one role become one message; a message with nothing in it is left out. */
export function mergeNeighbours<Role extends string>(
  messages: readonly Blocks<Role>[],
): readonly Blocks<Role>[] {
  const merged: Blocks<Role>[] = []
  for (const message of messages) {
    if (message.blocks.length === 0) continue
    const last = merged.at(-1)
    if (last?.role === message.role)
      merged[merged.length - 1] = { ...last, blocks: [...last.blocks, ...message.blocks] }
    else merged.push(message)
  }
  return merged
}
