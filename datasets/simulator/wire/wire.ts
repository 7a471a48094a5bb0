/** What a provider's wire format is to the simulator: how its requests are read and how answers look in it. */
import type { IncomingHttpHeaders } from 'node:http'
import type { z } from 'zod'
import { describeFirstIssue } from '../../issues.ts'
import type { Dialect } from '../../types.ts'
import { Refusal } from '../errors.ts'

export type JsonObject = { readonly [key: string]: unknown }

export interface Tool {
  readonly name: string
  /** JSON Schema of the arguments. */
  readonly schema: JsonObject
}

export type ToolChoice =
  | { readonly kind: 'auto' | 'any' | 'none' }
  /** One of these has to be called. */
  | { readonly kind: 'named'; readonly names: readonly string[] }

/** A chat request without the dialect's spelling. */
export interface SimulatedRequest {
  readonly model: string
  readonly isStream: boolean
  /** Text of the last user message that has any. */
  readonly userText: string
  /** UTF-8 bytes of all other text: system prompt, earlier turns, tool results. */
  readonly otherBytes: number
  readonly maxOutputTokens: number | undefined
  readonly tools: readonly Tool[]
  readonly toolChoice: ToolChoice
  /** JSON Schema that the answer has to follow; an empty one for any JSON object; undefined for text. */
  readonly jsonSchema: JsonObject | undefined
  /** The last message brings the result of a tool call. */
  readonly isToolResult: boolean
  /** The caller asked for a usage chunk (only OpenAI makes this optional). */
  readonly wantsUsageChunk: boolean
}

export type AnswerContent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tool-call'; readonly name: string; readonly arguments: JsonObject }

export interface Answer {
  /** Letters and digits; each dialect puts its own prefix before it. */
  readonly id: string
  readonly model: string
  /** Unix seconds. */
  readonly createdS: number
  readonly content: AnswerContent
  readonly isTruncated: boolean
  readonly inputTokens: number
  readonly outputTokens: number
}

/** A stream as the bytes to send: `opening` at once, `deltas` paced, `closing` right after the last of them. */
export interface StreamFrames {
  readonly opening: string
  readonly deltas: readonly string[]
  readonly closing: string
}

export interface ErrorResponse {
  readonly headers: Readonly<Record<string, string>>
  readonly body: JsonObject
}

/** What the path told about a request. */
export interface PathInfo {
  /** Google has the model and the mode in the path; the others in the body. */
  readonly model?: string
  readonly isStream?: boolean
}

export interface Wire {
  readonly dialect: Dialect
  readonly jsonContentType: string
  readonly streamContentType: string
  /** The header that carries an answer's id for support, if the provider has one. */
  readonly requestIdHeader: string | undefined
  hasKey(headers: IncomingHttpHeaders): boolean
  /** @throws {Refusal} 400 naming the field */
  parse(body: unknown, path: PathInfo): SimulatedRequest
  body(answer: Answer, request: SimulatedRequest): JsonObject
  frames(answer: Answer, request: SimulatedRequest, chunkCount: number): StreamFrames
  error(refusal: Refusal): ErrorResponse
}

/** @throws {Refusal} 400 with the first issue */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  throw new Refusal(400, 'bad-request', describeFirstIssue(parsed.error, body))
}

/** `count` pieces of nearly equal length; fewer when the text is shorter. Surrogate pairs stay together. */
export function splitText(text: string, count: number): readonly string[] {
  const pieces: string[] = []
  let start = 0
  for (let i = 1; i <= count && start < text.length; i++) {
    let end = Math.max(start + 1, Math.round((text.length * i) / count))
    if (isHighSurrogate(text.charCodeAt(end - 1)) && end < text.length) end++
    pieces.push(text.slice(start, end))
    start = end
  }
  return pieces
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
