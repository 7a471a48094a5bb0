/**
 * What an upstream adapter is: types only. The inside speaks OpenAI chat completions; an adapter turns that into its
 * provider's wire format and back. Requests are strict in what we promise, responses tolerant in what vendors send:
 * unknown fields of the same dialect pass through, numbers that were not sent are `undefined`.
 */

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined }
export type JsonObject = { readonly [key: string]: JsonValue | undefined }

export const DIALECTS = ['openai-compatible', 'anthropic', 'google'] as const
export type Dialect = (typeof DIALECTS)[number]

// ── the request ────────────────────────────────────────────────────────────────────────────────────────────────────

export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image_url'; readonly image_url: { readonly url: string; readonly detail?: string } }
  | { readonly type: 'input_audio'; readonly input_audio: JsonObject }
  | { readonly type: 'file'; readonly file: JsonObject }
  | { readonly type: 'refusal'; readonly refusal: string }

export interface ToolCall {
  readonly id: string
  readonly type: 'function'
  /** `arguments` is a string that holds JSON, passed on unchanged. */
  readonly function: { readonly name: string; readonly arguments: string }
}

export interface ChatMessage {
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool' | 'function'
  readonly content?: string | readonly ContentPart[] | null
  readonly name?: string
  readonly tool_calls?: readonly ToolCall[]
  readonly tool_call_id?: string
  readonly [extra: string]: unknown
}

/** An OpenAI chat-completions body without `model`, `stream` and our own `highwayman` field; unknown fields kept. */
export interface ChatRequest {
  readonly messages: readonly ChatMessage[]
  readonly max_tokens?: number | null
  readonly max_completion_tokens?: number | null
  readonly temperature?: number | null
  readonly top_p?: number | null
  readonly stop?: string | readonly string[] | null
  readonly n?: number | null
  readonly seed?: number | null
  readonly tools?: readonly {
    readonly type: string
    readonly function?: {
      readonly name: string
      readonly description?: string
      readonly parameters?: JsonObject
      readonly strict?: boolean | null
    }
  }[]
  readonly tool_choice?:
    | 'none'
    | 'auto'
    | 'required'
    | { readonly type: 'function'; readonly function: { readonly name: string } }
  readonly parallel_tool_calls?: boolean
  readonly response_format?: {
    readonly type: string
    readonly json_schema?: {
      readonly name?: string
      readonly schema?: JsonObject
      readonly strict?: boolean | null
    }
  }
  readonly reasoning_effort?: string | null
  readonly user?: string
  readonly [extra: string]: unknown
}

// ── the answer ─────────────────────────────────────────────────────────────────────────────────────────────────────

export const FINISH_REASONS = [
  'stop',
  'length',
  'tool_calls',
  'content_filter',
  'function_call',
  'other',
] as const
/** What OpenAI clients branch on, and what the vendor said. */
export interface FinishReason {
  readonly unified: (typeof FINISH_REASONS)[number]
  readonly raw: string | undefined
}

/** Tokens of one call. Prompt includes cached, completion includes reasoning, whatever the vendor's own habit. */
export interface Usage {
  readonly promptTokens: number | undefined
  readonly completionTokens: number | undefined
  readonly cachedTokens: number | undefined
  readonly cacheWriteTokens: number | undefined
  readonly reasoningTokens: number | undefined
  /** The price as the provider told it (OpenRouter, Perplexity, xAI); preferred over the price table. */
  readonly costUsd: number | undefined
}

/** OpenAI `chat.completion`, extra fields kept. `id`, `created` and `model` are the upstream's; the server rewrites them. */
export interface ChatResponse {
  readonly id: string
  readonly object: 'chat.completion'
  readonly created: number
  readonly model: string
  readonly choices: readonly ChatChoice[]
  readonly [extra: string]: unknown
}
export interface ChatChoice {
  readonly index: number
  readonly message: {
    readonly role: 'assistant'
    readonly content: string | null
    readonly refusal?: string | null
    readonly reasoning_content?: string
    readonly tool_calls?: readonly ToolCall[]
    readonly [extra: string]: unknown
  }
  readonly finish_reason: string
  readonly [extra: string]: unknown
}

/** OpenAI `chat.completion.chunk` as our client will see it but for `id`, `created`, `model`, which the server sets. */
export interface ChatChunk {
  readonly choices: readonly ChatChunkChoice[]
  readonly [extra: string]: unknown
}
export interface ChatChunkChoice {
  readonly index: number
  readonly delta: {
    readonly role?: 'assistant'
    readonly content?: string | null
    readonly refusal?: string | null
    readonly reasoning_content?: string
    readonly tool_calls?: readonly {
      readonly index: number
      readonly id?: string
      readonly type?: 'function'
      readonly function?: { readonly name?: string; readonly arguments?: string }
    }[]
    readonly [extra: string]: unknown
  }
  readonly finish_reason: string | null
  readonly [extra: string]: unknown
}

/** Something the adapter could not honour and dropped or changed; shown to the caller, never silent. */
export interface Warning {
  readonly field: string
  readonly message: string
}

export interface ChatResult {
  readonly response: ChatResponse
  readonly usage: Usage
  readonly finish: FinishReason
  readonly warnings: readonly Warning[]
  readonly upstreamRequestId: string | undefined
}

/**
 * Parts of a stream in order: `start` once, any number of `chunks`, `end` exactly once and last. A stream that ends without
 * `end` throws an {@link UpstreamError} (cut, truncated, in-stream error, deadline): it never just stops. A usage-only chunk
 * (`choices: []`) is never a part: usage comes with `end`.
 */
export type StreamPart =
  | {
      readonly type: 'start'
      readonly warnings: readonly Warning[]
      readonly upstreamRequestId: string | undefined
    }
  /** What one read of the socket brought; never empty. */
  | { readonly type: 'chunks'; readonly chunks: readonly ChatChunk[] }
  | { readonly type: 'end'; readonly usage: Usage; readonly finish: FinishReason }

// ── the adapter ────────────────────────────────────────────────────────────────────────────────────────────────────

/** All in ms; `undefined` is no limit. They cover the adapter's whole work: undici's own timeouts are off. */
export interface Deadlines {
  readonly connectMs: number
  /** Until the response's first body byte, when the upstream streams. A whole answer sends it when it is done: `totalMs` holds. */
  readonly firstByteMs: number
  /** Between two body chunks. */
  readonly idleMs: number
  readonly totalMs: number
}
export const DEFAULT_DEADLINES: Deadlines = {
  connectMs: 5_000,
  firstByteMs: 30_000,
  idleMs: 30_000,
  totalMs: 300_000,
}

/** What of an `AbortSignal` a call needs: every request has one, and it may be something lighter. */
export interface CancelSignal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

export interface ChatCall {
  /** The vendor's model id. */
  readonly model: string
  readonly request: ChatRequest
  /** Aborting cancels the upstream call at once. */
  readonly signal: CancelSignal
}

/** How a provider is reached. One instance owns one connection pool. */
export interface ProviderConfig {
  readonly name: string
  readonly dialect: Dialect
  /** Up to and including the version segment: `https://api.openai.com/v1`, `https://api.anthropic.com`, `https://generativelanguage.googleapis.com/v1beta`. */
  readonly baseUrl: string
  readonly apiKey: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly deadlines?: Partial<Deadlines>
  /** Sockets per origin; default 256. */
  readonly connections?: number
  /** Deviations of OpenAI-shaped upstreams; each default is OpenAI's own behaviour. */
  readonly quirks?: OpenAiQuirks
}
export interface OpenAiQuirks {
  /** Field that carries the answer's token limit. @default 'max_completion_tokens' for api.openai.com, else 'max_tokens' */
  readonly maxTokensField?: 'max_tokens' | 'max_completion_tokens'
  /** Request fields never sent to this upstream. @default [] */
  readonly dropFields?: readonly string[]
  /** Role that `developer` messages get. @default 'developer' for api.openai.com, else 'system' */
  readonly developerRole?: 'developer' | 'system'
  /** Send `stream_options.include_usage`. @default true */
  readonly streamUsageOption?: boolean
  /** Rule for tool call ids; `alphanumeric-9` rewrites those of other vendors. @default 'alphanumeric-9' for api.mistral.ai, else 'any' */
  readonly toolIdFormat?: 'any' | 'alphanumeric-9'
}

export interface Provider {
  readonly name: string
  readonly dialect: Dialect
  /** @throws {UpstreamError} */
  chat(call: ChatCall): Promise<ChatResult>
  /** @throws {UpstreamError} from the iterator. Leaving the loop early cancels the upstream call. */
  chatStream(call: ChatCall): AsyncIterable<StreamPart>
  /** Closes idle sockets and waits for running calls. */
  close(): Promise<void>
}
