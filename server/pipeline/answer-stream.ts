/** Answers a chat request chunk by chunk, as the chunks come. */
import { performance } from 'node:perf_hooks'
import type { FastifyReply } from 'fastify'
import {
  type ChatChunk,
  type StreamPart,
  UpstreamError,
  type Usage,
  type Warning,
} from '../../adapters/index.ts'
import { END_REASON, type Flight } from '../resilience/in-flight.ts'
import type { Review } from '../rewards/reviews.ts'
import type { Services } from '../services.ts'
import { type Bill, billOf, usageBody } from './bill.ts'
import { asUpstreamError, callArms } from './call.ts'
import { ChunkWriter } from './chunk-writer.ts'
import { errorBody } from './error-body.ts'
import { refused, shuttingDown } from './failure.ts'
import { type Leg, newTrail, type Trail } from './leg.ts'
import { recordAnswered, recordFailure } from './record.ts'
import { completionId, decisionHeaders, extensionBody, ownMs } from './respond.ts'
import type { Task } from './task.ts'

type EndPart = Extract<StreamPart, { type: 'end' }>

/** A stream that has begun to say something; from here on the caller sees it. */
interface OpenStream {
  readonly parts: AsyncIterator<StreamPart>
  /** What was held back until then. */
  readonly held: readonly ChatChunk[]
  readonly warnings: readonly Warning[]
  readonly ttftMs: number
  /** Set when all of the answer came before anything could be sent. */
  readonly end: EndPart | undefined
}

/** @throws {ServerError} while nothing has been sent; later failures are told in-band */
export async function answerStream(
  services: Services,
  task: Task,
  flight: Flight,
  reply: FastifyReply,
): Promise<void> {
  const trail = newTrail()
  await callArms(services, task, flight, trail, openStream, async (leg, stream) => {
    try {
      await passOn(services, task, flight, trail, reply, leg, stream)
    } catch (thrown) {
      await stream.parts.return?.()
      // What has begun and cannot go on must not look complete, nor keep its caller waiting.
      if (reply.sent) reply.raw.destroy()
      throw thrown
    }
  })
}

async function passOn(
  services: Services,
  task: Task,
  flight: Flight,
  trail: Trail,
  reply: FastifyReply,
  leg: Leg,
  stream: OpenStream,
): Promise<void> {
  const { decision } = leg
  const overheadMs = ownMs(flight.sinceReceivedMs, trail.upstreamMs)
  const headers = decisionHeaders(decision, leg.index + 1)
  headers.push(
    'x-request-id',
    task.requestId,
    'x-highwayman-overhead-ms',
    overheadMs.toFixed(3),
    'content-type',
    'text/event-stream; charset=utf-8',
    'cache-control',
    'no-cache',
    // nginx would collect chunks before passing them on.
    'x-accel-buffering',
    'no',
  )
  reply.hijack()
  reply.raw.writeHead(200, headers)
  const tellsUsage =
    task.request['stream_options'] !== undefined && includesUsage(task.request['stream_options'])
  const writer = new ChunkWriter(
    reply.raw,
    {
      id: completionId(decision),
      created: Math.floor(decision.atMs / 1_000),
      model: decision.arm,
      tellsUsage,
    },
    extensionBody(decision, [...task.warnings, ...stream.warnings]),
  )
  const review = services.reviews.of(task, decision)
  const bill = (usage: Usage): Bill =>
    billOf(usage, leg.arm.arm.price, task.facts.promptTokens, () => writer.text, services.tokens)
  const end = await pump(stream, writer, review).catch((thrown: unknown) =>
    asUpstreamError(services, leg, thrown),
  )
  const totalMs = performance.now() - leg.startedAt
  const { ttftMs } = stream
  if (end instanceof UpstreamError) {
    breakOff(flight, writer, trail, leg, end)
    await stream.parts.return?.()
    const status = flight.ended === undefined ? 'cut' : 'cancelled'
    recordFailure(services, leg, { error: end, status, totalMs, ttftMs, bill: bill(NO_USAGE) })
    return
  }
  const final = bill(end.usage)
  writer.usage(usageBody(final, undefined))
  writer.done()
  recordAnswered(services, task, leg, { bill: final, finish: end.finish, ttftMs, totalMs, overheadMs })
  review?.end()
}

const NO_USAGE: Usage = {
  promptTokens: undefined,
  completionTokens: undefined,
  cachedTokens: undefined,
  cacheWriteTokens: undefined,
  reasoningTokens: undefined,
  costUsd: undefined,
}

/** Holds everything back until there is something to show: so far another arm can still answer. @throws {UpstreamError} */
async function openStream({ provider, call, startedAt, decision }: Leg): Promise<OpenStream> {
  const parts = provider.chatStream(call)[Symbol.asyncIterator]()
  const held: ChatChunk[] = []
  let warnings: readonly Warning[] = []
  for (;;) {
    const step = await parts.next()
    if (step.done === true) throw endless(decision.arm)
    const part = step.value
    if (part.type === 'start') {
      warnings = part.warnings
      continue
    }
    if (part.type === 'chunks') held.push(...part.chunks)
    if (part.type === 'end' || part.chunks.some(saysSomething)) {
      const end = part.type === 'end' ? part : undefined
      return { parts, held, warnings, ttftMs: performance.now() - startedAt, end }
    }
  }
}

/** Writes the rest of the stream at the caller's pace. @throws {UpstreamError} when it breaks off */
async function pump(stream: OpenStream, writer: ChunkWriter, review: Review | undefined): Promise<EndPart> {
  for (const chunk of stream.held) {
    writer.chunk(chunk)
    review?.chunk(chunk)
  }
  if (stream.end !== undefined) return stream.end
  for (;;) {
    const step = await stream.parts.next()
    if (step.done === true) throw endless('the arm')
    const part = step.value
    if (part.type === 'end') return part
    if (part.type === 'start') continue
    for (const chunk of part.chunks) {
      review?.chunk(chunk)
      if (writer.chunk(chunk)) await writer.drained()
    }
  }
}

/** A truncated answer must never look complete. */
function breakOff(flight: Flight, writer: ChunkWriter, trail: Trail, leg: Leg, error: UpstreamError): void {
  if (flight.ended === END_REASON.callerGone) return
  trail.failed.push({ arm: leg.decision.arm, error })
  const told = flight.ended === END_REASON.shutdown ? shuttingDown(trail) : refused(error, trail)
  writer.error(errorBody(told))
}

/** True for anything but a role, empty text and an end: what ends without a word may turn out to be a failure. */
function saysSomething(chunk: ChatChunk): boolean {
  for (const { delta } of chunk.choices) {
    for (const key in delta) {
      const value = delta[key]
      if (key !== 'role' && value !== '' && value !== null && value !== undefined) return true
    }
  }
  return false
}

function includesUsage(options: unknown): boolean {
  return (
    typeof options === 'object' &&
    options !== null &&
    'include_usage' in options &&
    options.include_usage === true
  )
}

/** Against the adapters' contract; a stream that just stops must not pass for an answer. */
function endless(who: string): UpstreamError {
  return new UpstreamError({
    message: `The stream of ${who} stopped without an end`,
    code: 'upstream_truncated',
    type: 'upstream_error',
    httpStatus: 502,
    retry: 'other',
  })
}
