/** Chunks → one response: for upstreams that streamed although the caller wants the answer whole. */
import type { ChatChoice, ChatChunk, ChatChunkChoice, ChatResponse, Usage } from './spec.ts'
import { wireUsage } from './usage.ts'
import { asArray, asRecord, asString, type Wire } from './wire.ts'

export interface Fold {
  add(chunk: ChatChunk): void
  response(usage: Usage): ChatResponse
}

interface FoldedChoice {
  readonly message: Record<string, unknown>
  readonly calls: Map<number, Record<string, unknown>>
  readonly extra: Record<string, unknown>
  finish: string | null
}

/** Delta fields that arrive in pieces of text. */
const TEXT_FIELDS = new Set(['content', 'refusal', 'reasoning_content'])

export function createFold(): Fold {
  const envelope: Record<string, unknown> = {}
  const choices = new Map<number, FoldedChoice>()

  function add(chunk: ChatChunk): void {
    for (const [key, value] of Object.entries(chunk)) {
      if (key !== 'choices' && key !== 'object' && value !== undefined) envelope[key] ??= value
    }
    for (const choice of chunk.choices) {
      const folded = choices.get(choice.index) ?? { message: {}, calls: new Map(), extra: {}, finish: null }
      choices.set(choice.index, folded)
      addChoice(folded, choice)
    }
  }

  function response(usage: Usage): ChatResponse {
    const told = wireUsage(usage)
    return {
      ...envelope,
      id: asString(envelope['id']) ?? '',
      object: 'chat.completion',
      created: typeof envelope['created'] === 'number' ? envelope['created'] : 0,
      model: asString(envelope['model']) ?? '',
      choices: [...choices].sort(([a], [b]) => a - b).map(([index, folded]) => choiceOf(index, folded)),
      ...(told !== undefined && { usage: told }),
    }
  }

  return { add, response }
}

function addChoice(
  folded: FoldedChoice,
  { index: _, delta, finish_reason, ...extra }: ChatChunkChoice,
): void {
  folded.finish = finish_reason ?? folded.finish
  for (const [key, value] of Object.entries(extra)) merge(folded.extra, key, value)
  for (const [key, value] of Object.entries(delta)) {
    if (key === 'role') continue
    if (key === 'tool_calls') addCalls(folded.calls, asArray(value))
    else if (TEXT_FIELDS.has(key) && typeof value === 'string') append(folded.message, key, value)
    else merge(folded.message, key, value)
  }
}

function addCalls(calls: Map<number, Record<string, unknown>>, deltas: readonly unknown[]): void {
  for (const delta of deltas) {
    const { index, ...fields } = asRecord(delta) ?? {}
    if (typeof index !== 'number') continue
    const call = calls.get(index) ?? {}
    calls.set(index, call)
    for (const [key, value] of Object.entries(fields)) {
      if (key === 'function' || key === 'custom') call[key] = joined(asRecord(call[key]), asRecord(value))
      else if (value !== undefined) call[key] ??= value
    }
  }
}

/** Arrays grow (annotations, logprobs' lists), objects are merged, of anything else the last one stays. */
function merge(into: Record<string, unknown>, key: string, value: unknown): void {
  if (value === null || value === undefined) return
  const before = into[key]
  if (Array.isArray(value)) {
    into[key] = [...asArray(before), ...value]
  } else if (key === 'function_call' || key === 'audio') {
    into[key] = joined(asRecord(before), asRecord(value))
  } else if (asRecord(value) !== undefined && asRecord(before) !== undefined) {
    const merged = { ...asRecord(before) }
    for (const [inner, item] of Object.entries(value)) merge(merged, inner, item)
    into[key] = merged
  } else {
    into[key] = value
  }
}

/** Objects whose strings arrive in pieces: a function's name and arguments, audio data and transcript. */
function joined(before: Wire | undefined, delta: Wire | undefined): Wire {
  const result: Record<string, unknown> = { ...before }
  for (const [key, value] of Object.entries(delta ?? {})) {
    if (typeof value === 'string' && key !== 'id') append(result, key, value)
    else if (value !== undefined && value !== null) result[key] = value
  }
  return result
}

function append(into: Record<string, unknown>, key: string, text: string): void {
  into[key] = `${asString(into[key]) ?? ''}${text}`
}

function choiceOf(index: number, { message, calls, extra, finish }: FoldedChoice): ChatChoice {
  const toolCalls = [...calls].sort(([a], [b]) => a - b).map(([, call]) => call)
  const content = asString(message['content'])
  return {
    ...extra,
    index,
    message: {
      ...message,
      role: 'assistant',
      // OpenAI's null: an answer of tool calls or of a refusal has no text.
      content:
        content === '' && (toolCalls.length > 0 || message['refusal'] !== undefined)
          ? null
          : (content ?? null),
      ...(toolCalls.length > 0 && {
        tool_calls: toolCalls as unknown as ChatChoice['message']['tool_calls'] & object,
      }),
    },
    finish_reason: finish ?? 'stop',
  }
}
