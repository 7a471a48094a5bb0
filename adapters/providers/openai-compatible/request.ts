/** ChatRequest → OpenAI's wire body, with the deviations of this upstream. */
import type { ChatCall, ChatRequest, Warning } from '../spec.ts'
import { asRecord } from '../wire.ts'
import { encodeMessages } from './messages.ts'
import type { Quirks } from './quirks.ts'
import { refusedFields } from './reasoning-models.ts'

export interface EncodedRequest {
  readonly body: object
  readonly streams: boolean
  readonly warnings: readonly Warning[]
}

/** Fields that not every upstream takes under the name, or with the value, that the caller gave them. */
const PUT_OTHERWISE: ReadonlySet<string> = new Set([
  'messages',
  'max_tokens',
  'max_completion_tokens',
  'stream_options',
  'seed',
  'tool_choice',
])

/**
 * Sends what the caller sent and nothing else: no nulls, no defaults; unknown fields pass.
 * @throws {UpstreamError} 400 for log probabilities that a reasoning model does not give.
 */
export function encodeRequest(
  { model, request }: ChatCall,
  streaming: boolean,
  quirks: Quirks,
): EncodedRequest {
  const refused = quirks.modelsRefuseSampling ? refusedFields(model, request) : []
  const dropped = [...quirks.dropFields, ...refused].filter((field) => isSet(request[field]))
  const sent = dropped.length === 0 ? request : without(request, dropped)
  const { messages, max_tokens, max_completion_tokens, stream_options, seed, tool_choice } = sent
  const body: Record<string, unknown> = { model, messages: encodeMessages(messages, quirks) }
  for (const key in sent) if (!PUT_OTHERWISE.has(key) && isSet(sent[key])) body[key] = sent[key]
  const limit = max_completion_tokens ?? max_tokens
  if (isSet(limit)) body[quirks.maxTokensField] = limit
  if (isSet(seed)) body[quirks.seedField] = seed
  if (isSet(tool_choice)) {
    body['tool_choice'] = tool_choice === 'required' ? quirks.requiredToolChoice : tool_choice
  }
  const streams = streaming || (limit ?? 0) > quirks.unaryMaxTokens
  if (streams) {
    body['stream'] = true
    if (quirks.streamUsageOption) {
      body['stream_options'] = { ...asRecord(stream_options), include_usage: true }
    }
  }
  const warnings = dropped.map((field) => ({
    field,
    message: `${field} is not accepted by this upstream and was left out`,
  }))
  return { body, streams, warnings }
}

/** A tool was named: OpenAI then finishes with `stop`, and so may its imitators. */
export function forcesNamedTool({ tool_choice }: ChatRequest): boolean {
  return typeof tool_choice === 'object' && tool_choice !== null
}

function isSet<T>(value: T | null | undefined): value is T {
  return value !== null && value !== undefined
}

function without(request: ChatRequest, fields: readonly string[]): ChatRequest {
  return Object.fromEntries(Object.entries(request).filter(([key]) => !fields.includes(key))) as ChatRequest
}
