/** OpenAI chat completions, as api.openai.com sends them. */
import { z } from 'zod'
import type { Refusal } from '../errors.ts'
import {
  type Answer,
  type JsonObject,
  parseBody,
  type SimulatedRequest,
  splitText,
  type ToolChoice,
  type Wire,
} from './wire.ts'

const contentSchema = z
  .union([z.string(), z.array(z.object({ type: z.string(), text: z.string().optional() }))])
  .nullish()
const limitSchema = z.int().positive().nullish()

const requestSchema = z.object({
  model: z.string(),
  messages: z.array(z.object({ role: z.string(), content: contentSchema })).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: limitSchema,
  max_completion_tokens: limitSchema,
  n: z.literal(1, 'expected 1: the simulator gives one choice').nullish(),
  tools: z
    .array(
      z.object({
        type: z.string(),
        function: z
          .object({ name: z.string().min(1), parameters: z.record(z.string(), z.unknown()).nullish() })
          .optional(),
      }),
    )
    .nullish(),
  tool_choice: z
    .union([
      z.enum(['none', 'auto', 'required']),
      z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
    ])
    .nullish(),
  response_format: z
    .object({
      type: z.string(),
      json_schema: z.object({ schema: z.record(z.string(), z.unknown()).optional() }).optional(),
    })
    .nullish(),
})
type Request = z.infer<typeof requestSchema>

export const openai: Wire = {
  dialect: 'openai-compatible',
  jsonContentType: 'application/json',
  streamContentType: 'text/event-stream; charset=utf-8',
  requestIdHeader: 'x-request-id',
  hasKey: (headers) => headers.authorization !== undefined,

  parse(body) {
    const request = parseBody(requestSchema, body)
    const texts = request.messages.map((message) => textOf(message.content))
    const lastUser = request.messages.findLastIndex(
      (message, i) => message.role === 'user' && texts[i] !== '',
    )
    return {
      model: request.model,
      isStream: request.stream ?? false,
      userText: texts[lastUser] ?? '',
      otherBytes: texts.reduce((sum, text, i) => sum + (i === lastUser ? 0 : Buffer.byteLength(text)), 0),
      maxOutputTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
      tools: (request.tools ?? []).flatMap((tool) =>
        tool.function === undefined
          ? []
          : [{ name: tool.function.name, schema: tool.function.parameters ?? {} }],
      ),
      toolChoice: toolChoiceOf(request.tool_choice),
      jsonSchema: jsonSchemaOf(request.response_format),
      isToolResult: ['tool', 'function'].includes(request.messages.at(-1)?.role ?? ''),
      wantsUsageChunk: request.stream_options?.include_usage ?? false,
    }
  },

  body(answer, request) {
    const { content } = answer
    const message =
      content.kind === 'text'
        ? { role: 'assistant', content: content.text, refusal: null, annotations: [] }
        : {
            role: 'assistant',
            content: null,
            tool_calls: [toolCall(answer, content)],
            refusal: null,
            annotations: [],
          }
    return {
      id: `chatcmpl-${answer.id}`,
      object: 'chat.completion',
      created: answer.createdS,
      model: answer.model,
      choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(answer, request) }],
      usage: usageOf(answer),
      service_tier: 'default',
      system_fingerprint: null,
    }
  },

  frames(answer, request, chunkCount) {
    const envelope = {
      id: `chatcmpl-${answer.id}`,
      object: 'chat.completion.chunk',
      created: answer.createdS,
      model: answer.model,
      service_tier: 'default',
      system_fingerprint: null,
    }
    const usageField = request.wantsUsageChunk ? { usage: null } : {}
    const chunk = (delta: JsonObject, finish: string | null = null) =>
      frame({
        ...envelope,
        choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
        ...usageField,
      })
    const { content } = answer
    // The role chunk travels with the first content: the service sends nothing before it has a token.
    const [first, ...rest] =
      content.kind === 'text'
        ? [
            chunk({ role: 'assistant', content: '', refusal: null }),
            ...splitText(content.text, chunkCount).map((text) => chunk({ content: text })),
          ]
        : [
            chunk({
              role: 'assistant',
              content: null,
              tool_calls: [{ index: 0, ...toolCall(answer, { ...content, arguments: undefined }) }],
              refusal: null,
            }),
            ...splitText(JSON.stringify(content.arguments), chunkCount).map((fragment) =>
              chunk({ tool_calls: [{ index: 0, function: { arguments: fragment } }] }),
            ),
          ]
    const usageChunk = request.wantsUsageChunk
      ? frame({ ...envelope, choices: [], usage: usageOf(answer) })
      : ''
    return {
      opening: '',
      deltas: [`${first ?? ''}${rest[0] ?? ''}`, ...rest.slice(1)],
      closing: `${chunk({}, finishReason(answer, request))}${usageChunk}data: [DONE]\n\n`,
    }
  },

  error(refusal) {
    const headers: Record<string, string> = {}
    if (refusal.retryAfterMs !== undefined) {
      headers['retry-after'] = String(Math.ceil(refusal.retryAfterMs / 1000))
      headers['retry-after-ms'] = String(refusal.retryAfterMs)
    }
    const { type, code } = classify(refusal)
    return { headers, body: { error: { message: refusal.message, type, param: null, code } } }
  },
}

function frame(data: JsonObject): string {
  return `data: ${JSON.stringify(data)}\n\n`
}

function textOf(content: Request['messages'][number]['content']): string {
  if (typeof content === 'string') return content
  return (content ?? []).flatMap((part) => (part.type === 'text' ? [part.text ?? ''] : [])).join('\n')
}

function jsonSchemaOf(format: Request['response_format']): JsonObject | undefined {
  if (format?.type === 'json_object') return {}
  return format?.type === 'json_schema' ? (format.json_schema?.schema ?? {}) : undefined
}

function toolChoiceOf(choice: Request['tool_choice']): ToolChoice {
  if (choice === null || choice === undefined) return { kind: 'auto' }
  if (typeof choice === 'object') return { kind: 'named', names: [choice.function.name] }
  return { kind: choice === 'required' ? 'any' : choice }
}

function toolCall(
  answer: Answer,
  content: { readonly name: string; readonly arguments: JsonObject | undefined },
) {
  const text = content.arguments === undefined ? '' : JSON.stringify(content.arguments)
  return { id: `call_${answer.id}`, type: 'function', function: { name: content.name, arguments: text } }
}

function finishReason(answer: Answer, request: SimulatedRequest): string {
  if (answer.content.kind === 'text') return answer.isTruncated ? 'length' : 'stop'
  // A function that was forced by name ends in `stop` at OpenAI.
  return request.toolChoice.kind === 'named' ? 'stop' : 'tool_calls'
}

function usageOf(answer: Answer): JsonObject {
  return {
    prompt_tokens: answer.inputTokens,
    completion_tokens: answer.outputTokens,
    total_tokens: answer.inputTokens + answer.outputTokens,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}

function classify(refusal: Refusal): { readonly type: string; readonly code: string | null } {
  if (refusal.reason === 'unknown-model') return { type: 'invalid_request_error', code: 'model_not_found' }
  if (refusal.status === 429) return { type: 'requests', code: 'rate_limit_exceeded' }
  return { type: refusal.status >= 500 ? 'server_error' : 'invalid_request_error', code: null }
}
