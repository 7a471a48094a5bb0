/** Small streams of every dialect, and a provider in front of a server that writes them. */
import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type Deadlines, type Dialect, type Provider, UpstreamError } from '../../adapters/index.ts'
import { createProvider } from '../../adapters/serving.ts'
import { callOf, USER } from './collect.ts'
import { type ScriptedUpstream, startUpstream } from './upstream.ts'

/** A stream of each dialect: its first word, its end, and what may follow. */
export const STREAMS: Readonly<
  Record<Dialect, { readonly word: string; readonly end: string; readonly trailer: string }>
> = {
  'openai-compatible': {
    word: 'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}\n\n',
    end: 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    trailer: 'data: [DONE]\n\n',
  },
  anthropic: {
    word: [
      'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","model":"m","usage":{"input_tokens":3}}}\n\n',
      'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
      'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}\n\n',
    ].join(''),
    end: 'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}\n\n',
    trailer: 'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  },
  google: {
    word: 'data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}]}\r\n\r\n',
    end: 'data: {"candidates":[{"finishReason":"STOP"}]}\r\n\r\n',
    trailer: '',
  },
}
export const CALL = callOf({ ...USER, max_tokens: 10 }, 'claude-sonnet-4-5')

export function providerAt(
  url: string,
  dialect: Dialect,
  deadlines: Partial<Deadlines> = {},
  connections?: number,
): Provider {
  const config = { name: 'arm', dialect, baseUrl: url, apiKey: 'sk-1', deadlines }
  return createProvider(connections === undefined ? config : { ...config, connections })
}

export function sse(response: ServerResponse, ...pieces: readonly string[]): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const piece of pieces) response.write(piece)
}

export async function failureOf(promise: Promise<unknown>): Promise<UpstreamError> {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof UpstreamError, String(error))
    return error
  }
  return assert.fail('the call succeeded')
}

export async function withServer(
  handle: Parameters<typeof startUpstream>[0],
  dialect: Dialect,
  deadlines: Partial<Deadlines>,
  body: (provider: Provider, upstream: ScriptedUpstream) => Promise<void>,
): Promise<void> {
  await using upstream = await startUpstream(handle)
  const provider = providerAt(upstream.url, dialect, deadlines)
  await body(provider, upstream)
  await provider.close()
}

/** For handlers that look at no request. */
export const NO_REQUEST = { method: 'POST', url: '', headers: {}, body: undefined }
