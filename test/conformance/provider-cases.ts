/**
 * What every recorded case must come out as. Answers are judged by the facts that were read out of the bodies by other means;
 * this file adds what facts cannot say: which dialect a folder speaks, what a failure means, and where the rules say otherwise.
 */
import type { Dialect, RetryClass, Usage } from '../../adapters/index.ts'

/** Which adapter reads a folder. */
export const DIALECT_OF: Readonly<Record<string, Dialect>> = {
  'openai-chat': 'openai-compatible',
  'azure-openai': 'openai-compatible',
  'bedrock-mantle': 'openai-compatible',
  cerebras: 'openai-compatible',
  deepseek: 'openai-compatible',
  fireworks: 'openai-compatible',
  groq: 'openai-compatible',
  'http-edge': 'openai-compatible',
  mistral: 'openai-compatible',
  ollama: 'openai-compatible',
  'openai-compatible-misc': 'openai-compatible',
  openrouter: 'openai-compatible',
  perplexity: 'openai-compatible',
  'sse-torture': 'openai-compatible',
  together: 'openai-compatible',
  vllm: 'openai-compatible',
  xai: 'openai-compatible',
  anthropic: 'anthropic',
  gemini: 'google',
  vertex: 'google',
}

/** Google's own OpenAI-shaped endpoint lies in Gemini's folder. */
export const OPENAI_SHAPED: ReadonlySet<string> = new Set([
  'gemini/openai-compat-error-array',
  'gemini/openai-compat-tool-call-empty-id',
])

/** Folders and endpoints that no chat adapter reads, and why. */
export const SKIPPED_FOLDERS: Readonly<Record<string, string>> = {
  bedrock: 'AWS Converse: no adapter for this dialect',
  cohere: 'Cohere v2: no adapter for this dialect',
  'openai-responses': 'the Responses API is not an upstream dialect of this gateway',
  'openai-completions': 'legacy text completions are not chat',
  'openai-embeddings': 'embeddings are not chat',
}
export const SKIPPED_ENDPOINTS: readonly (readonly [pattern: RegExp, why: string])[] = [
  [/\/responses$/, 'the Responses API is not an upstream dialect of this gateway'],
  [/embed|:predict$/i, 'embeddings are not chat'],
  [/count_tokens$|:countTokens$/, 'token counting is not chat'],
  [/(?<!chat)\/completions$/, 'legacy text completions are not chat'],
  [/^\/api\/(?:chat|generate)$/, "Ollama's native API: no adapter for this dialect"],
]

export interface Failure {
  readonly code: string
  readonly retry: RetryClass
  readonly retryAfterMs?: number
}

function failure(code: string, retry: RetryClass, retryAfterMs?: number): Failure {
  return retryAfterMs === undefined ? { code, retry } : { code, retry, retryAfterMs }
}

const AUTH = failure('upstream_auth', 'key')
const BILLING = failure('upstream_billing', 'key')
const INVALID = failure('invalid_request', 'never')
const CONTEXT = failure('context_length_exceeded', 'other')
const POLICY = failure('content_filter', 'never')
const NO_MODEL = failure('upstream_model_not_found', 'other')
const RATE = failure('rate_limit_exceeded', 'same')
const RATE_LONG = failure('rate_limit_exceeded', 'other')
const NEVER_FITS = failure('request_exceeds_rate_limit', 'other')
const OVERLOADED = failure('upstream_overloaded', 'other')
const BROKEN = failure('upstream_error', 'same')
const BROKEN_THERE = failure('upstream_error', 'other')
const BAD_OUTPUT = failure('upstream_bad_output', 'same')
const TRUNCATED = failure('upstream_truncated', 'other')

/** Every case that ends in an error, by what it means. */
export const FAILURES: Readonly<Record<string, Failure>> = {
  'openai-chat/error-400-content-policy': POLICY,
  'openai-chat/error-400-context-length': CONTEXT,
  'openai-chat/error-400-unsupported-value': failure('unsupported_value', 'never'),
  'openai-chat/error-400-web-search-unsupported': INVALID,
  'openai-chat/error-401': AUTH,
  'openai-chat/error-403-permission': AUTH,
  'openai-chat/error-403-region': AUTH,
  'openai-chat/error-404-model': NO_MODEL,
  'openai-chat/error-429-insufficient-quota': BILLING,
  'openai-chat/error-429-rate-limit-requests': failure('rate_limit_exceeded', 'same', 20_000),
  'openai-chat/error-429-rate-limit-tokens': failure('rate_limit_exceeded', 'same', 6_202),
  'openai-chat/error-429-request-too-large': NEVER_FITS,
  'openai-chat/error-500': BROKEN,
  'openai-chat/error-500-should-not-retry': BROKEN_THERE,
  'openai-chat/error-503-overloaded': failure('upstream_overloaded', 'other', 5_000),
  'openai-chat/image-input-then-400-download': failure('invalid_image_url', 'never'),
  'openai-chat/stream-cut-between-events': TRUNCATED,
  'openai-chat/stream-cut-mid-json': TRUNCATED,
  'openai-chat/stream-eof-without-finish': TRUNCATED,
  'openai-chat/stream-error-event-line': BROKEN,
  'openai-chat/stream-error-first-event': RATE,
  'openai-chat/stream-error-in-data': BROKEN,
  'openai-chat/stream-stalls': failure('upstream_timeout', 'other'),

  'azure-openai/error-400-content-filter-prompt': POLICY,
  'azure-openai/error-400-invalid-image': failure('BadRequest', 'never'),
  'azure-openai/error-401': AUTH,
  'azure-openai/error-401-entra': AUTH,
  'azure-openai/error-404-deployment': NO_MODEL,
  'azure-openai/error-404-resource': NO_MODEL,
  'azure-openai/error-408-timeout': BROKEN,
  'azure-openai/error-429-classic': failure('rate_limit_exceeded', 'same', 24_000),
  'azure-openai/error-429-rate-limit': failure('rate_limit_exceeded', 'same', 1_000),
  'azure-openai/error-500': BROKEN,
  'azure-openai/error-503': OVERLOADED,

  'mistral/error-400-model': NO_MODEL,
  'mistral/error-400-role-order': INVALID,
  'mistral/error-400-tool-call-id': INVALID,
  'mistral/error-401': AUTH,
  'mistral/error-422': INVALID,
  'mistral/error-429': RATE,
  'mistral/error-429-bare': RATE,
  'mistral/error-429-capacity': OVERLOADED,
  'mistral/error-500': BROKEN,
  'mistral/error-503-capacity': OVERLOADED,
  'mistral/finish-error-stream': BROKEN,

  'groq/error-400-tool-use-failed': BAD_OUTPUT,
  'groq/error-401': AUTH,
  'groq/error-404-model': NO_MODEL,
  'groq/error-413-too-large': NEVER_FITS,
  'groq/error-429-tpd': failure('rate_limit_exceeded', 'other', 2_038_000),
  'groq/error-429-tpm': failure('rate_limit_exceeded', 'same', 3_000),
  'groq/error-498-flex-capacity': OVERLOADED,
  'groq/error-500': BROKEN,
  'groq/error-503-capacity': OVERLOADED,
  'groq/stream-error-event': BAD_OUTPUT,

  'deepseek/empty-body-200': BAD_OUTPUT,
  'deepseek/error-400-context-length': CONTEXT,
  'deepseek/error-401': AUTH,
  'deepseek/error-402-balance': BILLING,
  'deepseek/error-422': INVALID,
  'deepseek/error-429': RATE,
  'deepseek/error-500': BROKEN,
  'deepseek/error-503': OVERLOADED,
  'deepseek/finish-insufficient-system-resource-stream': OVERLOADED,

  'xai/error-400-api-key': AUTH,
  'xai/error-403-credits': BILLING,
  'xai/error-404-model': NO_MODEL,
  'xai/error-429-credits': BILLING,
  'xai/error-429-rate': RATE,
  'xai/error-500': BROKEN,

  'together/error-401': AUTH,
  'together/error-404-model': NO_MODEL,
  'together/error-422-context': CONTEXT,
  'together/error-429': RATE,
  'together/error-503': OVERLOADED,

  'fireworks/error-400-context': CONTEXT,
  'fireworks/error-401': AUTH,
  'fireworks/error-404-model': NO_MODEL,
  'fireworks/error-412-suspended': BILLING,
  'fireworks/error-429': RATE,
  'fireworks/error-500': BROKEN,

  'openrouter/error-400-context-length': CONTEXT,
  'openrouter/error-401': AUTH,
  'openrouter/error-402-credits': BILLING,
  'openrouter/error-403-moderation': POLICY,
  'openrouter/error-404-no-endpoint': NO_MODEL,
  'openrouter/error-408': BROKEN,
  'openrouter/error-429-free-tier': RATE,
  'openrouter/error-429-upstream': RATE,
  'openrouter/error-502-provider': BROKEN,
  'openrouter/error-503-no-provider': OVERLOADED,
  'openrouter/json-200-error-body': BROKEN,
  'openrouter/stream-error-empty-choices': BROKEN,
  'openrouter/stream-error-finish-reason-error': BROKEN,
  'openrouter/stream-error-in-chunk': INVALID,
  'openrouter/stream-native-finish-network-error': BROKEN,

  'vllm/error-400-context-length': CONTEXT,
  'vllm/error-400-flat': CONTEXT,
  'vllm/error-401': AUTH,
  'vllm/error-404-model': NO_MODEL,
  'vllm/error-500': BROKEN,
  'vllm/finish-abort-stream': TRUNCATED,
  'vllm/stream-error-in-data': BROKEN,

  'perplexity/error-400-context-length': CONTEXT,
  'perplexity/error-401': AUTH,
  'ollama/error-400-context-length': CONTEXT,
  'ollama/error-400-image': INVALID,
  'ollama/error-401': AUTH,
  'openai-compatible-misc/gpustack-stream-error-field': BROKEN,

  'http-edge/200-content-null-no-tools': BAD_OUTPUT,
  'http-edge/200-empty-body': BAD_OUTPUT,
  'http-edge/200-html': BAD_OUTPUT,
  'http-edge/200-no-choices': BAD_OUTPUT,
  'http-edge/200-truncated-json': TRUNCATED,
  'http-edge/301-redirect': BROKEN_THERE,
  'http-edge/400-detail-string': INVALID,
  'http-edge/400-error-is-string': INVALID,
  'http-edge/400-errors-list': INVALID,
  'http-edge/400-message-only': INVALID,
  'http-edge/401-www-authenticate': AUTH,
  'http-edge/413-html': failure('request_too_large', 'other'),
  'http-edge/429-empty-body': failure('rate_limit_exceeded', 'same', 2_000),
  'http-edge/429-retry-after-garbage': RATE,
  'http-edge/429-retry-after-http-date': RATE_LONG,
  'http-edge/429-retry-after-huge': failure('rate_limit_exceeded', 'other', 86_400_000),
  'http-edge/500-json-array': BROKEN,
  'http-edge/500-json-null': BROKEN,
  'http-edge/500-json-string': BROKEN,
  'http-edge/500-plain-text': BROKEN,
  'http-edge/502-html': BROKEN,
  'http-edge/504-html': BROKEN,
  'http-edge/524-html': BROKEN,

  'anthropic/error-400-credit-balance': BILLING,
  'anthropic/error-400-input-shape': INVALID,
  'anthropic/error-400-prompt-too-long': CONTEXT,
  'anthropic/error-400-thinking-block-missing': INVALID,
  'anthropic/error-400-tool-result-missing': INVALID,
  'anthropic/error-400-unsupported-effort': INVALID,
  'anthropic/error-401': AUTH,
  'anthropic/error-402-billing': BILLING,
  'anthropic/error-403': AUTH,
  'anthropic/error-404-model': NO_MODEL,
  'anthropic/error-413': failure('request_too_large', 'other'),
  'anthropic/error-429': failure('rate_limit_exceeded', 'same', 12_000),
  'anthropic/error-500': BROKEN,
  'anthropic/error-500-overloaded-as-api-error': OVERLOADED,
  'anthropic/error-504-timeout': BROKEN_THERE,
  'anthropic/error-529-overloaded': OVERLOADED,
  'anthropic/stream-cut': TRUNCATED,
  'anthropic/stream-eof-without-message-stop': TRUNCATED,
  'anthropic/stream-error-first-event': OVERLOADED,
  'anthropic/stream-error-overloaded': OVERLOADED,
  // Two answers spliced into one stream by a proxy: neither is whole.
  'anthropic/spliced-message-start-stream': BAD_OUTPUT,

  'gemini/error-400-api-key': AUTH,
  'gemini/error-400-location': AUTH,
  'gemini/error-400-schema': INVALID,
  'gemini/error-400-thought-signature': INVALID,
  'gemini/error-403': AUTH,
  'gemini/error-404-model': NO_MODEL,
  'gemini/error-429-daily-quota': RATE_LONG,
  'gemini/error-429-no-retryinfo': RATE,
  'gemini/error-429-quota-retryinfo': RATE,
  'gemini/error-500': BROKEN,
  'gemini/error-503-capacity': OVERLOADED,
  'gemini/error-503-overloaded': OVERLOADED,
  'gemini/error-504': BROKEN_THERE,
  'gemini/fb-error-403-api-disabled': AUTH,
  'gemini/malformed-function-call': BAD_OUTPUT,
  'gemini/no-candidates': BAD_OUTPUT,
  'gemini/openai-compat-error-array': INVALID,
  'gemini/stream-eof-without-finish': TRUNCATED,
  'gemini/stream-error-midway': OVERLOADED,
  'gemini/stream-error-midway-bare-json': BROKEN,

  'vertex/error-400-context-length': CONTEXT,
  'vertex/error-400-role': INVALID,
  'vertex/error-404-model': NO_MODEL,
  'vertex/fb-error-400-location': AUTH,
  'vertex/fb-error-403-iam': AUTH,
  'vertex/fb-error-429-quota': RATE,
  'vertex/fb-error-html-404': NO_MODEL,
  // The error comes after the events, without `data:`; the facts were read from the events only.
  'vertex/fb-stream-error-mid-stream': BROKEN,
  'vertex/fb-stream-invalid-json': TRUNCATED,
  'vertex/fb-stream-malformed': TRUNCATED,
  // A call to a function that was never declared is no valid call.
  'vertex/unexpected-tool-call': BAD_OUTPUT,
}

/** The caller asks for the other form than the one in which the upstream answers. */
export const ASKED_OTHERWISE: ReadonlySet<string> = new Set([
  'http-edge/200-json-for-stream-request',
  'http-edge/200-sse-for-json-request',
])

/** Native reason → what OpenAI's clients read. With tool calls, a normal stop is `tool_calls`. */
export const FINISH: Readonly<Record<string, string>> = {
  stop: 'stop',
  eos: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  STOP: 'stop',
  FAKE_ENUM: 'stop',
  length: 'length',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  MAX_TOKENS: 'length',
  tool_calls: 'tool_calls',
  tool_use: 'tool_calls',
  function_call: 'function_call',
  content_filter: 'content_filter',
  refusal: 'content_filter',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  MODEL_ARMOR: 'content_filter',
}

/** Where the facts do not say all, or the rules of the dialect say otherwise. */
export interface Override {
  readonly why: string
  readonly finish?: string
  readonly text?: string
  readonly refusal?: string
  /** No finish reason was sent: its raw form is unknown. */
  readonly rawFinish?: string | undefined
}
const EXPLANATION =
  "This request triggered restrictions on violative cyber content and was blocked under Anthropic's Usage Policy."
const BLOCKED = 'a prompt that was blocked is answered by content_filter; the facts know candidates only'

export const OVERRIDES: Readonly<Record<string, Override>> = {
  'anthropic/refusal': { why: 'the refusal is told in stop_details', refusal: EXPLANATION },
  'anthropic/refusal-stream': { why: 'the refusal is told in stop_details', refusal: EXPLANATION },
  'gemini/fb-only-prompt-feedback': { why: BLOCKED, finish: 'content_filter', rawFinish: 'Message' },
  'gemini/fb-stream-prompt-blocked': { why: BLOCKED, finish: 'content_filter', rawFinish: 'SAFETY' },
  'vertex/model-armor-prompt-block': { why: BLOCKED, finish: 'content_filter', rawFinish: 'MODEL_ARMOR' },
  'openrouter/tool-call-stream-repeat-id-no-finish': {
    why: '[DONE] without a finish reason is an end; after calls it is told as tool_calls',
    finish: 'tool_calls',
    rawFinish: undefined,
  },
  'openrouter/tool-call-stream-whole-args-no-finish': {
    why: '[DONE] without a finish reason is an end; after calls it is told as tool_calls',
    finish: 'tool_calls',
    rawFinish: undefined,
  },
}

type Raw = Readonly<Record<string, unknown>>

/** Our counts for a vendor's, written out a second time, by the vendors' documentation. */
export function expectedUsage(dialect: Dialect, usage: Raw | null): Partial<Usage> {
  if (usage === null) return { promptTokens: undefined, completionTokens: undefined }
  const at = (...path: readonly string[]) => {
    let value: unknown = usage
    for (const key of path) value = (value as Raw | null | undefined)?.[key]
    return typeof value === 'number' ? value : undefined
  }
  if (dialect === 'anthropic') {
    const [fresh, read, written] = [
      at('input_tokens'),
      at('cache_read_input_tokens'),
      at('cache_creation_input_tokens'),
    ]
    return {
      promptTokens: fresh === undefined ? undefined : fresh + (read ?? 0) + (written ?? 0),
      completionTokens: at('output_tokens'),
      cachedTokens: read,
      cacheWriteTokens: written,
      reasoningTokens: at('output_tokens_details', 'thinking_tokens'),
    }
  }
  if (dialect === 'google') {
    const [said, thought] = [at('candidatesTokenCount'), at('thoughtsTokenCount')]
    const prompt = at('promptTokenCount')
    return {
      promptTokens: prompt === undefined ? undefined : prompt + (at('toolUsePromptTokenCount') ?? 0),
      completionTokens:
        said === undefined && thought === undefined ? undefined : (said ?? 0) + (thought ?? 0),
      cachedTokens: at('cachedContentTokenCount'),
      reasoningTokens: thought,
    }
  }
  const reasoning = at('completion_tokens_details', 'reasoning_tokens')
  // xAI counts reasoning beside the completion: its documented total is the sum of all three.
  const isBeside = at('cost_in_usd_ticks') !== undefined
  const completion = at('completion_tokens')
  const cached =
    at('prompt_tokens_details', 'cached_tokens') ?? at('prompt_cache_hit_tokens') ?? at('cached_tokens')
  const prompt = at('prompt_tokens')
  return {
    promptTokens: prompt,
    completionTokens: completion === undefined || !isBeside ? completion : completion + (reasoning ?? 0),
    cachedTokens: cached === undefined ? undefined : Math.min(cached, prompt ?? cached),
    reasoningTokens: reasoning ?? at('reasoning_tokens'),
    costUsd: expectedCost(at),
  }
}

/** OpenRouter tells the whole price, or its fee beside the bill of the user's own key; xAI ten-billionths of a dollar. */
function expectedCost(at: (...path: readonly string[]) => number | undefined): number | undefined {
  const cost = at('cost') ?? at('cost', 'total_cost')
  const ticks = at('cost_in_usd_ticks')
  if (ticks !== undefined) return ticks * 1e-10
  const isOwnKey = cost === 0 && at('cost_details', 'upstream_inference_cost') !== undefined
  return isOwnKey ? at('cost_details', 'upstream_inference_cost') : cost
}
