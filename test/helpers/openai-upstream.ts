/** Upstreams that speak OpenAI's chat format on a real socket, each with one way to behave. */
import type { ServerResponse } from 'node:http'
import { json, type RecordedRequest, type ScriptedUpstream, startUpstream } from './upstream.ts'

export type Behaviour = (response: ServerResponse, request: RecordedRequest) => void | Promise<void>

export const USAGE = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 }

export function completion(text: string, extra: object = {}): object {
  return {
    id: 'chatcmpl-upstream',
    object: 'chat.completion',
    created: 1,
    model: 'upstream-model',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage: USAGE,
    ...extra,
  }
}

export function chunk(delta: object, finish: string | null = null, extra: object = {}): object {
  return {
    id: 'chatcmpl-upstream',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'upstream-model',
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...extra,
  }
}

export function event(body: object | '[DONE]'): string {
  return `data: ${typeof body === 'string' ? body : JSON.stringify(body)}\n\n`
}

export function openSse(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
}

/** Answers with this text, whole or word by word as it was asked. */
export function saying(text: string): Behaviour {
  return (response, request) => {
    if (!isStream(request)) return json(completion(text))(response, request)
    openSse(response)
    response.write(event(chunk({ role: 'assistant', content: '' })))
    for (const word of text.split(/(?<= )/)) response.write(event(chunk({ content: word })))
    response.write(event(chunk({}, 'stop')))
    response.write(event(chunk({}, null, { choices: [], usage: USAGE })))
    response.end(event('[DONE]'))
  }
}

/** A tool call, its arguments in two pieces when streamed. */
export function callingTool(name: string, args: string): Behaviour {
  return (response, request) => {
    const call = { id: 'call_1', type: 'function', function: { name, arguments: args } }
    if (!isStream(request)) {
      const message = { role: 'assistant', content: null, tool_calls: [call] }
      const choices = [{ index: 0, message, finish_reason: 'tool_calls' }]
      return json(completion('', { choices }))(response, request)
    }
    const half = Math.floor(args.length / 2)
    const piece = (text: string) => ({ tool_calls: [{ index: 0, function: { arguments: text } }] })
    openSse(response)
    response.write(
      event(
        chunk({
          role: 'assistant',
          content: null,
          tool_calls: [{ index: 0, ...call, function: { name, arguments: '' } }],
        }),
      ),
    )
    response.write(event(chunk(piece(args.slice(0, half)))))
    response.write(event(chunk(piece(args.slice(half)))))
    response.write(event(chunk({}, 'tool_calls')))
    response.end(event('[DONE]'))
  }
}

/** Refuses in OpenAI's words. */
export function failing(status: number, error: object = {}, headers: Record<string, string> = {}): Behaviour {
  return json({ error: { message: `status ${status}`, type: 'x', code: null, ...error } }, status, headers)
}

/** Never answers; the socket stays open. */
export const hanging: Behaviour = () => {}

/** A 200 whose first event is an error. */
export const failingInStream: Behaviour = (response) => {
  openSse(response)
  response.end(event({ error: { message: 'overloaded', type: 'server_error', code: 503 } }))
}

/** Says some words of a stream and dies. */
export function dyingAfter(...words: readonly string[]): Behaviour {
  return (response) => {
    openSse(response)
    response.write(event(chunk({ role: 'assistant', content: '' })))
    for (const word of words) response.write(event(chunk({ content: word })))
    setImmediate(() => response.destroy())
  }
}

export function isStream({ body }: RecordedRequest): boolean {
  return (body as { stream?: boolean }).stream === true
}

/** Behaves as the last one set. */
export interface MutableUpstream extends ScriptedUpstream {
  behave(behaviour: Behaviour): void
}

export async function startOpenAiUpstream(first: Behaviour): Promise<MutableUpstream> {
  let behaviour = first
  const upstream = await startUpstream((response, request) => behaviour(response, request))
  return Object.assign(upstream, {
    behave(next: Behaviour) {
      behaviour = next
    },
  })
}
