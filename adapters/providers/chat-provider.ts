/** A provider from a codec: posts what the codec encodes, and reads the reply to its end or says why not. */
import { ByteFramer } from './byte-framer.ts'
import { classifyReply } from './classify.ts'
import type { Answer, Codec, EncodedCall, StreamDecoder, StreamEnd } from './codec.ts'
import { UpstreamError } from './errors.ts'
import type { Reply } from './exchange.ts'
import { badOutput } from './failures.ts'
import { createFold } from './fold.ts'
import type { FramedEvent } from './framer.ts'
import { Upstream } from './http.ts'
import type { ChatCall, ChatChunk, ChatResult, Provider, ProviderConfig, StreamPart } from './spec.ts'
import { UNKNOWN_USAGE } from './usage.ts'
import { parseJson } from './wire.ts'

const ANSWER_BYTES_MAX = 64 * 1024 * 1024
const ERROR_BYTES_MAX = 64 * 1024
/** Of a failure the status is known: how long to wait for what else there is to say. */
const ERROR_BODY_MS_MAX = 1_000
/** After the last word of an answer: how long to wait for its usage. */
const TRAILER_MS_MAX = 1_000

export function createChatProvider(config: ProviderConfig, codec: Codec): Provider {
  const upstream = new Upstream({ ...config, headers: { ...codec.headers, ...config.headers } })

  /** @throws {UpstreamError} for a status other than 2xx as well. */
  async function post(call: ChatCall, encoded: EncodedCall): Promise<Reply> {
    const reply = await upstream.post({
      path: encoded.path,
      body: JSON.stringify(encoded.body),
      signal: call.signal,
      streams: encoded.streams,
    })
    if (reply.status < 300) return reply
    const blame = { upstream: config.name, secret: config.apiKey }
    const { status, headers } = reply
    throw classifyReply(blame, { status, headers, body: await errorBody(reply), nowMs: Date.now() })
  }

  async function chat(call: ChatCall): Promise<ChatResult> {
    const encoded = codec.encode(call, false)
    const reply = await post(call, encoded)
    const answer = encoded.streams
      ? await foldStream(chunksOf(reply, encoded.createStreamDecoder()))
      : await readAnswer(reply, encoded)
    return { ...answer, warnings: encoded.warnings, upstreamRequestId: requestIdOf(reply) }
  }

  async function* chatStream(call: ChatCall): AsyncGenerator<StreamPart, void, undefined> {
    const encoded = codec.encode(call, true)
    const reply = await post(call, encoded)
    const batches = chunksOf(reply, encoded.createStreamDecoder())
    const start: StreamPart = {
      type: 'start',
      warnings: encoded.warnings,
      upstreamRequestId: requestIdOf(reply),
    }
    // Nothing is passed on before the upstream has said something: until then another arm can still answer.
    let held: ChatChunk[] | undefined = []
    try {
      for (let step = await batches.next(); ; step = await batches.next()) {
        if (held !== undefined) {
          if (step.done !== true) held.push(...step.value)
          if (step.done !== true && !held.some(saysSomething)) continue
          yield start
          if (held.length > 0) yield { type: 'chunks', chunks: held }
          held = undefined
        } else if (step.done !== true) yield { type: 'chunks', chunks: step.value }
        if (step.done !== true) continue
        yield { type: 'end', usage: step.value.usage, finish: step.value.finish }
        return
      }
    } finally {
      await batches.return(NOTHING)
    }
  }

  async function readAnswer(reply: Reply, encoded: EncodedCall): Promise<Answer> {
    const { text, cut } = await reply.text(ANSWER_BYTES_MAX)
    const body = parseJson(text.startsWith('\uFEFF') ? text.slice(1) : text)
    if (body !== undefined) return encoded.decodeAnswer(body)
    // Some servers stream whether asked or not.
    if (/^\s*(?:data|event|id|retry)?:/.test(text)) {
      return foldStream(chunksOfText(text, encoded.createStreamDecoder()))
    }
    const what = cut ? `more than ${ANSWER_BYTES_MAX} bytes` : text.trim() === '' ? 'nothing' : 'no JSON'
    throw badOutput(`${config.name} answered HTTP ${reply.status} with ${what}`, {
      raw: text.slice(0, ERROR_BYTES_MAX),
      upstreamStatus: reply.status,
    })
  }

  /** The chunks of a stream as they come, those of one read together; returns what is known at its end. */
  async function* chunksOf(
    reply: Reply,
    decoder: StreamDecoder,
  ): AsyncGenerator<readonly ChatChunk[], StreamEnd, undefined> {
    const framer = new ByteFramer(config.name)
    try {
      for await (const bytes of reply) {
        const { chunks, failure } = read(decoder, framer.push(bytes))
        if (chunks.length > 0) yield chunks
        if (failure !== undefined) throw failure
        if (decoder.progress === 'closed') {
          reply.release()
          return yield* endOf(decoder)
        }
        if (decoder.progress === 'finished') reply.expectEnd(TRAILER_MS_MAX)
      }
    } catch (error) {
      // The answer was whole; only its trailers are missing.
      if (decoder.progress === 'finished' && diedOnTheWire(error)) return yield* endOf(decoder)
      throw error
    }
    yield* decode(decoder, framer.end())
    return yield* endOf(decoder)
  }

  function* chunksOfText(
    text: string,
    decoder: StreamDecoder,
  ): Generator<readonly ChatChunk[], StreamEnd, undefined> {
    const framer = new ByteFramer(config.name)
    yield* decode(decoder, framer.push(Buffer.from(text)))
    if (decoder.progress !== 'closed') yield* decode(decoder, framer.end())
    return yield* endOf(decoder)
  }

  return { name: config.name, dialect: config.dialect, chat, chatStream, close: () => upstream.close() }
}

/** What an iterator returns that is left early; nobody reads it. */
const NOTHING: StreamEnd = {
  chunks: [],
  usage: UNKNOWN_USAGE,
  finish: { unified: 'other', raw: undefined },
}

/** What the events say, and the failure that they tell of: what came before it is passed on before it. */
function read(
  decoder: StreamDecoder,
  events: readonly FramedEvent[],
): { readonly chunks: readonly ChatChunk[]; readonly failure?: unknown } {
  const chunks: ChatChunk[] = []
  try {
    for (const event of events) {
      for (const chunk of decoder.push(event)) chunks.push(chunk)
      if (decoder.progress === 'closed') break
    }
  } catch (failure) {
    return { chunks, failure }
  }
  return { chunks }
}

/** One batch at most. @throws {UpstreamError} */
function* decode(
  decoder: StreamDecoder,
  events: readonly FramedEvent[],
): Generator<readonly ChatChunk[], void, undefined> {
  const { chunks, failure } = read(decoder, events)
  if (chunks.length > 0) yield chunks
  if (failure !== undefined) throw failure
}

function* endOf(decoder: StreamDecoder): Generator<readonly ChatChunk[], StreamEnd, undefined> {
  const end = decoder.end()
  if (end.chunks.length > 0) yield end.chunks
  return end
}

async function foldStream(
  batches: AsyncGenerator<readonly ChatChunk[], StreamEnd> | Generator<readonly ChatChunk[], StreamEnd>,
): Promise<Answer> {
  const fold = createFold()
  for (let step = await batches.next(); ; step = await batches.next()) {
    if (step.done === true) {
      const { usage, finish } = step.value
      return { response: fold.response(usage), usage, finish }
    }
    for (const chunk of step.value) fold.add(chunk)
  }
}

/** True for anything but a role, an empty string, padding or an end: an end without a word may turn out to be a failure. */
function saysSomething(chunk: ChatChunk): boolean {
  return chunk.choices.some(({ delta }) => {
    for (const key in delta) {
      const value = delta[key]
      if (key !== 'role' && value !== '' && value !== null && value !== undefined) return true
    }
    return false
  })
}

function diedOnTheWire(error: unknown): boolean {
  return (
    error instanceof UpstreamError &&
    (error.code === 'upstream_truncated' || error.code === 'upstream_timeout')
  )
}

/** As much of an error's body as arrives; the status alone says enough to go on when it breaks off. */
async function errorBody(reply: Reply): Promise<string> {
  reply.expectEnd(ERROR_BODY_MS_MAX)
  try {
    return (await reply.text(ERROR_BYTES_MAX)).text
  } catch (error) {
    if (diedOnTheWire(error)) return ''
    throw error
  }
}

function requestIdOf({ headers }: Reply): string | undefined {
  const id = headers['x-request-id'] ?? headers['request-id'] ?? headers['apim-request-id']
  return typeof id === 'string' ? id : undefined
}
