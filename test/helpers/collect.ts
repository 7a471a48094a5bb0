/** Reads a whole answer out of a provider, streamed or not, into one comparable value. */
import type {
  ChatCall,
  ChatChunk,
  ChatRequest,
  ChatResponse,
  FinishReason,
  Provider,
  StreamPart,
  Usage,
  Warning,
} from '../../adapters/index.ts'

export interface CollectedCall {
  id: string
  name: string
  arguments: string
}
export interface CollectedChoice {
  text: string
  reasoning: string
  refusal: string
  calls: CollectedCall[]
  finish: string | null
}
export interface Collected {
  readonly choices: readonly CollectedChoice[]
  readonly usage: Usage
  readonly finish: FinishReason
  readonly warnings: readonly Warning[]
  readonly chunks: readonly ChatChunk[]
}

export const USER: ChatRequest = { messages: [{ role: 'user', content: 'Hello' }] }

export function callOf(
  request: ChatRequest = USER,
  model = 'm',
  signal = new AbortController().signal,
): ChatCall {
  return { model, request, signal }
}

export async function collectStream(parts: AsyncIterable<StreamPart>): Promise<Collected> {
  const chunks: ChatChunk[] = []
  let warnings: readonly Warning[] | undefined
  let end: Extract<StreamPart, { type: 'end' }> | undefined
  for await (const part of parts) {
    if (end !== undefined) throw new Error(`a ${part.type} part after the end`)
    if (part.type === 'start') {
      if (warnings !== undefined) throw new Error('a second start part')
      warnings = part.warnings
    } else if (part.type === 'chunks') {
      if (warnings === undefined) throw new Error('a chunk before the start')
      if (part.chunks.length === 0) throw new Error('a part without chunks')
      chunks.push(...part.chunks)
    } else {
      end = part
    }
  }
  if (end === undefined || warnings === undefined) throw new Error('a stream without start or end')
  const { usage, finish } = end
  return { choices: choicesOf(chunks), usage, finish, warnings, chunks }
}

/** What a client would read from the chunks, by OpenAI's rules. @throws {Error} when a chunk breaks them. */
export function choicesOf(chunks: readonly ChatChunk[]): readonly CollectedChoice[] {
  const choices = new Map<number, CollectedChoice>()
  for (const chunk of chunks) {
    if (chunk.choices.length === 0) throw new Error('a chunk without choices')
    for (const { index, delta, finish_reason } of chunk.choices) {
      const known = choices.get(index)
      const choice = known ?? { text: '', reasoning: '', refusal: '', calls: [], finish: null }
      if ((known === undefined) !== (delta.role === 'assistant'))
        throw new Error('the role must come once, and first')
      choices.set(index, choice)
      choice.text += delta.content ?? ''
      choice.reasoning += delta.reasoning_content ?? ''
      choice.refusal += delta.refusal ?? ''
      addCalls(choice.calls, delta.tool_calls ?? [])
      if (finish_reason !== null && choice.finish !== null) throw new Error('a second finish reason')
      choice.finish ??= finish_reason
    }
  }
  return [...choices].sort(([a], [b]) => a - b).map(([, choice]) => choice)
}

type CallDeltas = NonNullable<ChatChunk['choices'][number]['delta']['tool_calls']>

function addCalls(calls: CollectedCall[], deltas: CallDeltas): void {
  for (const delta of deltas) {
    const call = calls[delta.index]
    if (call === undefined) {
      if (delta.index !== calls.length)
        throw new Error(`tool call ${delta.index} comes after ${calls.length} calls`)
      const custom = (delta as { custom?: { name: string; input: string } }).custom
      calls.push({
        id: delta.id ?? '',
        name: delta.function?.name ?? custom?.name ?? '',
        arguments: delta.function?.arguments ?? custom?.input ?? '',
      })
      if (delta.id === undefined || delta.id === '') throw new Error('a tool call without an id')
    } else {
      if (delta.id !== undefined) throw new Error('an id in a later delta of a tool call')
      call.arguments +=
        delta.function?.arguments ?? (delta as { custom?: { input?: string } }).custom?.input ?? ''
    }
  }
}

export async function collectAnswer(provider: Provider, call: ChatCall): Promise<Collected> {
  const { response, usage, finish, warnings } = await provider.chat(call)
  const choices = response.choices.map(({ message, finish_reason }) => ({
    text: message.content ?? '',
    reasoning: message.reasoning_content ?? '',
    refusal: message.refusal ?? '',
    calls: callsOf(message),
    finish: finish_reason,
  }))
  return { choices, usage, finish, warnings, chunks: [] }
}

/** Calls of any generation: functions, custom tools, and the one `function_call` of old. */
function callsOf(message: ChatResponse['choices'][number]['message']): CollectedCall[] {
  const legacy = message['function_call'] as { name: string; arguments: string } | null | undefined
  if (legacy) return [{ id: 'none', ...legacy }]
  return (message.tool_calls ?? []).map((toolCall) => {
    const custom = (toolCall as { custom?: { name: string; input: string } }).custom
    return {
      id: toolCall.id,
      name: custom?.name ?? toolCall.function.name,
      arguments: custom?.input ?? toolCall.function.arguments,
    }
  })
}
