/** A whole answer of an OpenAI-shaped upstream → ChatResponse. */
import { classifyPayload } from '../classify.ts'
import type { Answer } from '../codec.ts'
import { tellsError } from '../error-body.ts'
import { badOutput } from '../failures.ts'
import type { ChatChoice, FinishReason } from '../spec.ts'
import { UNKNOWN_USAGE } from '../usage.ts'
import { asArray, asNumber, asRecord, asRecords, asString, type Wire, without } from '../wire.ts'
import type { ReadingContext } from './context.ts'
import { decodeFinish, failureOfFinish, finishReasonIn, wireFinish } from './finish.ts'
import { hasSubstance, normalizeText } from './text.ts'
import { decodeCalls } from './tool-calls.ts'
import { correctedUsage, decodeUsage } from './usage.ts'

const CALLS = ['tool_calls']
/** Of one answer; OpenAI takes `n` up to 128. */
const CHOICES_MAX = 1_024

/** @throws {UpstreamError} when the body tells of a failure inside a 200, or holds no answer. */
export function decodeAnswer(context: ReadingContext, body: unknown): Answer {
  const told = asRecord(body) ?? asRecord(asArray(body)[0]) ?? {}
  if (tellsError(told)) throw classifyPayload(context, told, Date.now())
  const read = asRecords(told['choices']).map((choice, position) => decodeChoice(context, choice, position))
  const [first] = read
  if (first === undefined) {
    throw badOutput(`${context.upstream} answered without choices`, { raw: JSON.stringify(body) })
  }
  if (
    !context.mayBeEmpty &&
    read.every(({ choice, finish }) => finish.unified === 'stop' && !hasSubstance(choice.message))
  ) {
    throw badOutput(`${context.upstream} gave an empty answer`, { raw: JSON.stringify(body) })
  }
  const rawUsage = asRecord(told['usage'])
  const usage = rawUsage === undefined ? UNKNOWN_USAGE : decodeUsage(rawUsage)
  return {
    response: {
      ...told,
      id: asString(told['id']) ?? '',
      object: 'chat.completion',
      created: asNumber(told['created']) ?? 0,
      model: asString(told['model']) ?? '',
      choices: read.map(({ choice }) => choice),
      ...(rawUsage !== undefined && { usage: correctedUsage(rawUsage, usage) }),
    },
    usage,
    finish: first.finish,
  }
}

function decodeChoice(
  context: ReadingContext,
  choice: Wire,
  position: number,
): { readonly choice: ChatChoice; readonly finish: FinishReason } {
  const message = decodeMessage(asRecord(choice['message']) ?? {})
  const calls = asArray(message['tool_calls']).length
  const finish = finishOf(context, choice, { calls, empty: !hasSubstance(message) })
  return {
    choice: {
      ...choice,
      index: choiceIndex(choice) ?? position,
      message: message as unknown as ChatChoice['message'],
      finish_reason: wireFinish(finish),
    },
    finish,
  }
}

/** Clients keep choices in a list: what is no place in one counts as untold. */
export function choiceIndex(choice: Wire): number | undefined {
  const index = asNumber(choice['index'])
  return index !== undefined && Number.isInteger(index) && index >= 0 && index < CHOICES_MAX
    ? index
    : undefined
}

/** The finish of one choice, whole or streamed. @throws {UpstreamError} when it is a failure in disguise. */
export function finishOf(
  context: ReadingContext,
  choice: Wire,
  seen: { readonly calls: number; readonly empty: boolean },
): FinishReason {
  const raw = finishReasonIn(choice)
  const native = asString(choice['native_finish_reason'])
  const failure =
    (raw === undefined ? undefined : failureOfFinish(context.upstream, raw)) ??
    (seen.empty && native !== undefined ? failureOfFinish(context.upstream, native) : undefined)
  if (failure !== undefined) throw failure
  if (raw === undefined) return { unified: seen.calls > 0 ? 'tool_calls' : 'stop', raw }
  const finish = decodeFinish(raw)
  const isRepaired = context.repairStopAfterTools && seen.calls > 0 && finish.unified === 'stop'
  return isRepaired ? { unified: 'tool_calls', raw } : finish
}

function decodeMessage(message: Wire): Wire {
  const said = normalizeText(message)
  const rest = without(said, CALLS)
  const calls = decodeCalls(asRecords(said['tool_calls']))
  return {
    ...rest,
    role: 'assistant',
    content: asString(rest['content']) ?? null,
    ...(calls.length > 0 && { tool_calls: calls }),
  }
}
