/** Anthropic messages, as api.anthropic.com sends them. */
import { z } from 'zod'
import type { Refusal } from '../errors.ts'
import {
  type Answer,
  type JsonObject,
  parseBody,
  type StreamFrames,
  splitText,
  type ToolChoice,
  type Wire,
} from './wire.ts'

const blockSchema = z.object({
  type: z.string(),
  text: z.string().optional(),
  content: z.unknown().optional(),
})
const contentSchema = z.union([z.string(), z.array(blockSchema)])

const requestSchema = z.object({
  model: z.string(),
  max_tokens: z.int().positive(),
  messages: z
    .array(z.object({ role: z.enum(['user', 'assistant', 'system']), content: contentSchema }))
    .min(1),
  system: contentSchema.optional(),
  stream: z.boolean().optional(),
  tools: z
    .array(z.object({ name: z.string().min(1), input_schema: z.record(z.string(), z.unknown()).optional() }))
    .optional(),
  tool_choice: z
    .object({ type: z.enum(['auto', 'any', 'none', 'tool']), name: z.string().optional() })
    .optional(),
  output_config: z
    .object({
      format: z.object({ type: z.string(), schema: z.record(z.string(), z.unknown()).optional() }).optional(),
    })
    .optional(),
})
type Request = z.infer<typeof requestSchema>
type Content = z.infer<typeof contentSchema>

export const anthropic: Wire = {
  dialect: 'anthropic',
  jsonContentType: 'application/json',
  streamContentType: 'text/event-stream; charset=utf-8',
  requestIdHeader: 'request-id',
  hasKey: (headers) => headers['x-api-key'] !== undefined || headers.authorization !== undefined,

  parse(body) {
    const request = parseBody(requestSchema, body)
    const texts = request.messages.map((message) => textOf(message.content))
    const lastUser = request.messages.findLastIndex(
      (message, i) => message.role === 'user' && texts[i] !== '',
    )
    const last = request.messages.at(-1)
    return {
      model: request.model,
      isStream: request.stream ?? false,
      userText: texts[lastUser] ?? '',
      otherBytes:
        bytesOf(request.system ?? '') +
        sum(request.messages, (message, i) => (i === lastUser ? 0 : bytesOf(message.content))),
      maxOutputTokens: request.max_tokens,
      tools: (request.tools ?? []).map((tool) => ({ name: tool.name, schema: tool.input_schema ?? {} })),
      toolChoice: toolChoiceOf(request.tool_choice),
      jsonSchema: request.output_config?.format?.schema,
      isToolResult:
        Array.isArray(last?.content) && last.content.some((block) => block.type === 'tool_result'),
      wantsUsageChunk: true,
    }
  },

  body(answer) {
    const { content } = answer
    const block =
      content.kind === 'text'
        ? { type: 'text', text: content.text }
        : { type: 'tool_use', id: `toolu_${answer.id}`, name: content.name, input: content.arguments }
    return { ...message(answer, [block]), ...stop(answer), usage: usageOf(answer, answer.outputTokens) }
  },

  frames(answer, _request, chunkCount): StreamFrames {
    const { content } = answer
    const started = { ...message(answer, []), ...NOT_STOPPED, usage: usageOf(answer, 1) }
    const block =
      content.kind === 'text'
        ? { type: 'text', text: '' }
        : { type: 'tool_use', id: `toolu_${answer.id}`, name: content.name, input: {} }
    const deltas =
      content.kind === 'text'
        ? splitText(content.text, chunkCount).map((text) => ({ type: 'text_delta', text }))
        : // The first fragment is empty, as the service sends it.
          ['', ...splitText(JSON.stringify(content.arguments), chunkCount)].map((fragment) => ({
            type: 'input_json_delta',
            partial_json: fragment,
          }))
    return {
      opening:
        event('message_start', { message: started }) +
        event('content_block_start', { index: 0, content_block: block }) +
        event('ping', {}),
      deltas: deltas.map((delta) => event('content_block_delta', { index: 0, delta })),
      closing:
        event('content_block_stop', { index: 0 }) +
        event('message_delta', { delta: stop(answer), usage: cumulativeUsage(answer) }) +
        event('message_stop', {}),
    }
  },

  error(refusal) {
    const headers: Record<string, string> = {}
    if (refusal.retryAfterMs !== undefined)
      headers['retry-after'] = String(Math.ceil(refusal.retryAfterMs / 1000))
    return {
      headers,
      body: {
        type: 'error',
        error: { type: errorType(refusal), message: refusal.message },
        request_id: null,
      },
    }
  },
}

function event(type: string, data: JsonObject): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`
}

function message(answer: Answer, content: readonly JsonObject[]): JsonObject {
  return { model: answer.model, id: `msg_${answer.id}`, type: 'message', role: 'assistant', content }
}

const NOT_STOPPED = { stop_reason: null, stop_sequence: null, stop_details: null }

function stop(answer: Answer): JsonObject {
  const textReason = answer.isTruncated ? 'max_tokens' : 'end_turn'
  const reason = answer.content.kind === 'text' ? textReason : 'tool_use'
  return { ...NOT_STOPPED, stop_reason: reason }
}

function cumulativeUsage(answer: Answer): JsonObject {
  return {
    input_tokens: answer.inputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: answer.outputTokens,
  }
}

function usageOf(answer: Answer, outputTokens: number): JsonObject {
  return {
    ...cumulativeUsage(answer),
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens: outputTokens,
    service_tier: 'standard',
  }
}

function errorType(refusal: Refusal): string {
  switch (refusal.status) {
    case 401:
      return 'authentication_error'
    case 404:
      return 'not_found_error'
    case 413:
      return 'request_too_large'
    case 429:
      return 'rate_limit_error'
    case 503:
    case 529:
      return 'overloaded_error'
    default:
      return refusal.status >= 500 ? 'api_error' : 'invalid_request_error'
  }
}

function textOf(content: Content): string {
  if (typeof content === 'string') return content
  return content.flatMap((block) => (block.type === 'text' ? [block.text ?? ''] : [])).join('\n')
}

/** Bytes of text, and of tool results as they stand in the request. */
function bytesOf(content: Content): number {
  if (typeof content === 'string') return Buffer.byteLength(content)
  return sum(
    content,
    (block) => Buffer.byteLength(block.text ?? '') + Buffer.byteLength(JSON.stringify(block.content) ?? ''),
  )
}

function sum<T>(items: readonly T[], of: (item: T, index: number) => number): number {
  return items.reduce((total, item, index) => total + of(item, index), 0)
}

function toolChoiceOf(choice: Request['tool_choice']): ToolChoice {
  if (choice === undefined) return { kind: 'auto' }
  if (choice.type === 'tool') return { kind: 'named', names: choice.name === undefined ? [] : [choice.name] }
  return { kind: choice.type }
}
