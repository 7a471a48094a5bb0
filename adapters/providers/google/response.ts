/** A whole answer of Gemini → ChatResponse. */
import { classifyPayload } from '../classify.ts'
import type { Answer } from '../codec.ts'
import { tellsError } from '../error-body.ts'
import { badOutput } from '../failures.ts'
import type { ChatChoice, FinishReason } from '../spec.ts'
import { wireUsage } from '../usage.ts'
import { asNumber, asRecord, asRecords, asString, asText, type Wire } from '../wire.ts'
import { CandidateReader, incrementFields } from './candidate.ts'
import type { ReadingContext } from './context.ts'
import { decodeFinish, finishReasonIn } from './finish.ts'
import { decodeLogprobs } from './logprobs.ts'
import { mergeEvents } from './merge-events.ts'
import { decodeUsage } from './usage.ts'

/** The finish of a prompt that was not let through to the model. */
export const PROMPT_BLOCKED = 'content_filter'

/** @throws {UpstreamError} when the body tells of a failure inside a 200, or holds no answer. */
export function decodeAnswer(context: ReadingContext, body: unknown): Answer {
  const events = Array.isArray(body) ? asRecords(body) : [asRecord(body) ?? {}]
  const failure = events.find(tellsError)
  if (failure !== undefined) throw classifyPayload(context, failure, Date.now())
  const [first = {}, ...others] = events
  const told = others.length === 0 ? first : mergeEvents(events)
  const read = asRecords(told['candidates']).map((candidate, position) =>
    decodeCandidate(context, candidate, position),
  )
  const blocked = blockedPrompt(told)
  if (read.length === 0 && blocked !== undefined) read.push(blocked)
  const [answer] = read
  if (answer === undefined) {
    throw badOutput(`${context.upstream} answered without candidates`, { raw: JSON.stringify(body) })
  }
  const usage = decodeUsage(asRecord(told['usageMetadata']) ?? {})
  const counted = wireUsage(usage)
  return {
    response: {
      id: asString(told['responseId']) ?? '',
      object: 'chat.completion',
      created: Math.floor(Date.now() / 1_000),
      model: asString(told['modelVersion']) ?? '',
      choices: read.map(({ choice }) => choice),
      ...(counted !== undefined && { usage: counted }),
    },
    usage,
    finish: answer.finish,
  }
}

interface ReadChoice {
  readonly choice: ChatChoice
  readonly finish: FinishReason
}

function decodeCandidate(context: ReadingContext, candidate: Wire, position: number): ReadChoice {
  const reader = new CandidateReader(context)
  const fields = incrementFields(reader.read(candidate), context.origin)
  const calls = asRecords(fields['tool_calls']).map(({ index: _, ...call }) => call)
  const finish = finishOf(context, candidate, reader)
  const logprobs = decodeLogprobs(candidate)
  const message = {
    content: null,
    ...fields,
    role: 'assistant',
    ...(calls.length > 0 && { tool_calls: calls }),
  }
  return {
    choice: {
      index: asNumber(candidate['index']) ?? position,
      message: message as unknown as ChatChoice['message'],
      finish_reason: finish.unified,
      ...(logprobs !== undefined && { logprobs }),
    },
    finish,
  }
}

/** @throws {UpstreamError} for a malformed call, or an end that nobody knows without anything said. */
export function finishOf(context: ReadingContext, candidate: Wire, reader: CandidateReader): FinishReason {
  const raw = finishReasonIn(candidate)
  const finish = raw === undefined ? undefined : decodeFinish(raw, reader, context.mayBeEmpty)
  if (finish !== undefined) return finish
  const said = asString(candidate['finishMessage'])
  throw badOutput(
    `${context.upstream} ended its answer with ${raw ?? 'no finish reason'}${said === undefined ? '' : `: ${said}`}`,
    { raw: JSON.stringify(candidate) },
  )
}

/** A prompt that the filter stopped is answered: by nothing, and with the reason. */
export function blockedPrompt(told: Wire): ReadChoice | undefined {
  const feedback = asRecord(told['promptFeedback'])
  const raw = asText(feedback?.['blockReason']) ?? asText(feedback?.['blockReasonMessage'])
  if (raw === undefined) return undefined
  const message = { role: 'assistant' as const, content: null }
  return {
    choice: { index: 0, message, finish_reason: PROMPT_BLOCKED },
    finish: { unified: PROMPT_BLOCKED, raw },
  }
}
