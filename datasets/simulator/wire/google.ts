/** Gemini `generateContent`, as generativelanguage.googleapis.com sends it: CRLF between events, no `[DONE]`. */
import { z } from 'zod'
import type { Refusal } from '../errors.ts'
import { type Answer, type JsonObject, parseBody, splitText, type ToolChoice, type Wire } from './wire.ts'

const partSchema = z.object({
  text: z.string().optional(),
  functionResponse: z.unknown().optional(),
  functionCall: z.unknown().optional(),
})
const contentSchema = z.object({ role: z.string().optional(), parts: z.array(partSchema).default([]) })
const schemaSchema = z.record(z.string(), z.unknown()).optional()

const requestSchema = z.object({
  contents: z.array(contentSchema).min(1),
  systemInstruction: contentSchema.optional(),
  generationConfig: z
    .object({
      maxOutputTokens: z.int().positive().optional(),
      candidateCount: z.literal(1, 'expected 1: the simulator gives one candidate').optional(),
      responseMimeType: z.string().optional(),
      responseSchema: schemaSchema,
      responseJsonSchema: schemaSchema,
    })
    .optional(),
  tools: z
    .array(
      z.object({
        functionDeclarations: z
          .array(
            z.object({
              name: z.string().min(1),
              parameters: schemaSchema,
              parametersJsonSchema: schemaSchema,
            }),
          )
          .optional(),
      }),
    )
    .optional(),
  toolConfig: z
    .object({
      functionCallingConfig: z
        .object({ mode: z.string().optional(), allowedFunctionNames: z.array(z.string()).optional() })
        .optional(),
    })
    .optional(),
})
type Request = z.infer<typeof requestSchema>

export const google: Wire = {
  dialect: 'google',
  jsonContentType: 'application/json; charset=UTF-8',
  streamContentType: 'text/event-stream',
  requestIdHeader: undefined,
  hasKey: (headers) => headers['x-goog-api-key'] !== undefined || headers.authorization !== undefined,

  parse(body, path) {
    const request = parseBody(requestSchema, body)
    const texts = request.contents.map(textOf)
    const lastUser = request.contents.findLastIndex(
      (content, i) => (content.role ?? 'user') === 'user' && texts[i] !== '',
    )
    const others = request.contents.filter((_, i) => i !== lastUser)
    return {
      model: path.model ?? '',
      isStream: path.isStream ?? false,
      userText: texts[lastUser] ?? '',
      otherBytes: [request.systemInstruction, ...others].reduce((sum, content) => sum + bytesOf(content), 0),
      maxOutputTokens: request.generationConfig?.maxOutputTokens,
      tools: (request.tools ?? [])
        .flatMap((tool) => tool.functionDeclarations ?? [])
        .map((declared) => ({
          name: declared.name,
          schema: declared.parametersJsonSchema ?? declared.parameters ?? {},
        })),
      toolChoice: toolChoiceOf(request),
      jsonSchema: jsonSchemaOf(request.generationConfig),
      isToolResult:
        request.contents.at(-1)?.parts.some((part) => part.functionResponse !== undefined) ?? false,
      wantsUsageChunk: true,
    }
  },

  body: (answer) => response(answer, [partOf(answer)], true),

  frames(answer, _request, chunkCount) {
    const { content } = answer
    // Arguments come whole, never in fragments.
    const parts =
      content.kind === 'text'
        ? splitText(content.text, chunkCount).map((text) => ({ text }))
        : [partOf(answer)]
    return {
      opening: '',
      deltas: parts.map(
        (part, i) => `data: ${JSON.stringify(response(answer, [part], i === parts.length - 1))}\r\n\r\n`,
      ),
      closing: '',
    }
  },

  error(refusal) {
    const { status, message } = refusal
    return {
      headers: {},
      body: {
        error: { code: status, message, status: STATUS_NAMES[status] ?? 'UNKNOWN', ...details(refusal) },
      },
    }
  },
}

const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  404: 'NOT_FOUND',
  413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  529: 'UNAVAILABLE',
}

function details(refusal: Refusal): JsonObject {
  if (refusal.retryAfterMs === undefined) return {}
  const retryInfo = {
    '@type': 'type.googleapis.com/google.rpc.RetryInfo',
    retryDelay: `${refusal.retryAfterMs / 1000}s`,
  }
  return { details: [retryInfo] }
}

function partOf(answer: Answer): JsonObject {
  const { content } = answer
  if (content.kind === 'text') return { text: content.text }
  return { functionCall: { name: content.name, args: content.arguments } }
}

function response(answer: Answer, parts: readonly JsonObject[], isLast: boolean): JsonObject {
  const finish = isLast ? { finishReason: answer.isTruncated ? 'MAX_TOKENS' : 'STOP' } : {}
  const promptTokens = { promptTokenCount: answer.inputTokens }
  const promptDetails = { promptTokensDetails: [{ modality: 'TEXT', tokenCount: answer.inputTokens }] }
  return {
    candidates: [{ content: { parts, role: 'model' }, ...finish, index: 0 }],
    usageMetadata: isLast
      ? {
          ...promptTokens,
          candidatesTokenCount: answer.outputTokens,
          totalTokenCount: answer.inputTokens + answer.outputTokens,
          ...promptDetails,
        }
      : { ...promptTokens, totalTokenCount: answer.inputTokens, ...promptDetails },
    modelVersion: answer.model,
    responseId: answer.id,
  }
}

function textOf(content: Request['contents'][number]): string {
  return content.parts.flatMap((part) => (part.text === undefined ? [] : [part.text])).join('\n')
}

function bytesOf(content: Request['contents'][number] | undefined): number {
  if (content === undefined) return 0
  const calls = content.parts.flatMap((part) => [part.functionCall, part.functionResponse])
  return (
    Buffer.byteLength(textOf(content)) +
    calls.reduce<number>((sum, call) => sum + Buffer.byteLength(JSON.stringify(call) ?? ''), 0)
  )
}

function jsonSchemaOf(config: Request['generationConfig']): JsonObject | undefined {
  if (config?.responseMimeType !== 'application/json') return undefined
  return config.responseJsonSchema ?? config.responseSchema ?? {}
}

function toolChoiceOf(request: Request): ToolChoice {
  const config = request.toolConfig?.functionCallingConfig
  switch (config?.mode) {
    case 'NONE':
      return { kind: 'none' }
    case 'ANY':
      return config.allowedFunctionNames?.length
        ? { kind: 'named', names: config.allowedFunctionNames }
        : { kind: 'any' }
    default:
      return { kind: 'auto' }
  }
}
