/** Sends a request through a provider to a real server, and returns what arrived there. */
import assert from 'node:assert/strict'
import {
  type ChatRequest,
  type ContentPart,
  type Dialect,
  type ProviderConfig,
  UpstreamError,
} from '../../adapters/index.ts'
import { createProvider } from '../../adapters/serving.ts'
import { callOf, collectStream } from './collect.ts'
import { json, type RecordedRequest, startUpstream } from './upstream.ts'

export const SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
export const TOOLS: NonNullable<ChatRequest['tools']> = [
  { type: 'function', function: { name: 'weather', description: 'Weather of a city', parameters: SCHEMA } },
]
const PIXEL = 'data:image/png;base64,AAAA'
/** Two parallel calls, whose results come in another order and after a word of the user. */
export const TOOL_TURN: ChatRequest = {
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'developer', content: 'Use metric units.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Here:' },
        { type: 'image_url', image_url: { url: PIXEL } },
      ],
    },
    {
      role: 'assistant',
      content: 'Let me look.',
      tool_calls: [
        { id: 'call_a', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
        { id: 'call/b', type: 'function', function: { name: 'weather', arguments: '{"city":"Bergen"}' } },
      ],
    },
    { role: 'tool', tool_call_id: 'call/b', content: '{"celsius":7}' },
    { role: 'user', content: 'Hurry up.' },
    { role: 'tool', tool_call_id: 'call_a', content: '' },
  ],
  tools: TOOLS,
  tool_choice: 'auto',
}

const ANSWERS: Readonly<Record<Dialect, unknown>> = {
  'openai-compatible': {
    choices: [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }],
  },
  anthropic: {
    id: 'msg_1',
    type: 'message',
    content: [{ type: 'text', text: 'ok' }],
    stop_reason: 'end_turn',
  },
  google: { candidates: [{ content: { parts: [{ text: 'ok' }] }, finishReason: 'STOP' }] },
}

export interface Sent extends RecordedRequest {
  readonly body: Record<string, unknown>
  readonly warned: readonly string[]
}

/** Sends a call and returns what arrived. */
export async function send(
  dialect: Dialect,
  request: ChatRequest,
  options: { model?: string; streaming?: boolean; config?: Partial<ProviderConfig> } = {},
): Promise<Sent> {
  await using upstream = await startUpstream(json(ANSWERS[dialect]))
  const config = { name: 'arm', dialect, baseUrl: `${upstream.url}/base/`, apiKey: 'sk-1', ...options.config }
  const provider = createProvider(config)
  const call = callOf(request, options.model ?? 'm')
  const warnings =
    options.streaming === true
      ? (await collectStream(provider.chatStream(call))).warnings
      : (await provider.chat(call)).warnings
  await provider.close()
  const [sent] = upstream.requests
  return { ...sent!, body: sent!.body as Record<string, unknown>, warned: warnings.map(({ field }) => field) }
}

export async function refusal(
  dialect: Dialect,
  request: ChatRequest,
  streaming = false,
): Promise<UpstreamError> {
  const provider = createProvider({ name: 'arm', dialect, baseUrl: 'http://127.0.0.1:9', apiKey: undefined })
  const call = callOf(request)
  try {
    await (streaming ? collectStream(provider.chatStream(call)) : provider.chat(call))
  } catch (error) {
    assert.ok(error instanceof UpstreamError)
    return error
  } finally {
    await provider.close()
  }
  return assert.fail('the request was sent')
}

export const user = (content: string | readonly ContentPart[]): ChatRequest['messages'][number] => ({
  role: 'user',
  content,
})
export const ask = (fields: Partial<ChatRequest>): ChatRequest => ({ messages: [user('Hi')], ...fields })
