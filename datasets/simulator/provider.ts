/** One chat request, from its bytes to the answer or the fault that struck. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { randomStream } from '../random.ts'
import type { Dialect } from '../types.ts'
import { composeAnswer } from './answers.ts'
import type { ArmProfile } from './arms.ts'
import { type Pace, sendStream, sendWhole } from './delivery.ts'
import { Refusal } from './errors.ts'
import { type Fault, strikes } from './faults.ts'
import { readJson, sendJson } from './http.ts'
import { sampleLatency } from './latency.ts'
import type { PromptBook } from './prompt-book.ts'
import type { PathInfo, Wire } from './wire/wire.ts'

/** Enough to see a stream move, few enough timers to serve many at once. */
const MAX_CHUNKS = 24
const TOKENS_PER_CHUNK = 4

export interface ProviderState {
  readonly arms: readonly ArmProfile[]
  readonly book: PromptBook
  readonly categories: readonly string[]
  readonly datasetName: string
  readonly seed: number
  /** 0: everything at once. */
  readonly latencyScale: number
  /** Requests that reached each arm, faulty ones included. */
  readonly requestCounts: Map<string, number>
  readonly faults: Map<string, Fault>
  /** 1, 2, 3, …: a conversation that moves between arms never meets one id twice. */
  readonly nextId: () => number
}

/** Answers one request of a dialect's chat endpoint; every refusal is told in the dialect's own shape. */
export async function serveChat(
  state: ProviderState,
  wire: Wire,
  path: PathInfo,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await answer(state, wire, path, request, response)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    refuse(wire, error, response)
  }
}

export function refuse(wire: Wire, refusal: Refusal, response: ServerResponse): void {
  const { body, headers } = wire.error(refusal)
  sendJson(response, refusal.status, body, { ...headers, 'content-type': wire.jsonContentType })
}

async function answer(
  state: ProviderState,
  wire: Wire,
  path: PathInfo,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!wire.hasKey(request.headers)) {
    throw new Refusal(401, 'missing-key', 'no API key in the request; the simulator takes any')
  }
  const chat = wire.parse(await readJson(request), path)
  const arm = findArm(state.arms, wire.dialect, chat.model)
  const number = (state.requestCounts.get(arm.id) ?? 0) + 1
  state.requestCounts.set(arm.id, number)
  const fault = faultOf(state, arm.id, number)
  if (fault?.kind === 'down') {
    request.socket.destroy()
    return
  }
  if (fault?.kind === 'hang') return
  if (fault?.kind === 'status') {
    throw new Refusal(fault.status, 'fault', `simulated fault: status ${fault.status}`, fault.retryAfterMs)
  }
  const id = `sim${state.nextId().toString(36).padStart(12, '0')}`
  const context = { arm, book: state.book, datasetName: state.datasetName, seed: state.seed, id }
  const { answer, promptKey } = composeAnswer(chat, { ...context, createdS: Math.floor(Date.now() / 1000) })
  const pace = paceOf(state, arm, promptKey, answer.outputTokens, fault?.kind === 'slow' ? fault.factor : 1)
  const headers = wire.requestIdHeader === undefined ? {} : { [wire.requestIdHeader]: `req_${id}` }
  if (chat.isStream) {
    const chunkCount = Math.min(MAX_CHUNKS, Math.ceil(answer.outputTokens / TOKENS_PER_CHUNK))
    const cutAfter = fault?.kind === 'cut' ? fault.afterChunks : undefined
    const streamHeaders = { ...headers, 'content-type': wire.streamContentType, 'cache-control': 'no-cache' }
    await sendStream(response, wire.frames(answer, chat, chunkCount), streamHeaders, pace, cutAfter)
  } else {
    const body = JSON.stringify(wire.body(answer, chat))
    await sendWhole(
      response,
      body,
      { ...headers, 'content-type': wire.jsonContentType },
      pace,
      fault?.kind === 'cut',
    )
  }
}

function findArm(arms: readonly ArmProfile[], dialect: Dialect, model: string): ArmProfile {
  const arm = arms.find((candidate) => candidate.dialect === dialect && candidate.upstreamModel === model)
  if (arm !== undefined) return arm
  const known = arms
    .filter((candidate) => candidate.dialect === dialect)
    .map((candidate) => candidate.upstreamModel)
  throw new Refusal(
    404,
    'unknown-model',
    `the model '${model}' does not exist; the simulator has ${known.join(', ') || 'none here'}`,
  )
}

function faultOf(state: ProviderState, armId: string, requestNumber: number): Fault | undefined {
  const fault = state.faults.get(armId)
  return fault !== undefined && strikes(fault, state.seed, armId, requestNumber) ? fault : undefined
}

function paceOf(
  state: ProviderState,
  arm: ArmProfile,
  promptKey: string,
  outputTokens: number,
  factor: number,
): Pace {
  if (state.latencyScale === 0) return { firstMs: 0, restMs: 0 }
  const latency = sampleLatency(arm.latency, randomStream(state.seed, 'latency', arm.id, promptKey))
  const scale = state.latencyScale * factor
  return { firstMs: latency.ttftMs * scale, restMs: latency.tpotMs * Math.max(0, outputTokens - 1) * scale }
}
