/** Why an answer ended, in OpenAI's words, and the reasons that are failures in disguise. */
import { UpstreamError } from '../errors.ts'
import { truncated } from '../failures.ts'
import { FINISH_REASONS, type FinishReason } from '../spec.ts'
import { asText, type Wire } from '../wire.ts'

const ALIASES: ReadonlyMap<string, FinishReason['unified']> = new Map([
  ...FINISH_REASONS.map((reason) => [reason, reason] as const),
  ['eos', 'stop'],
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['model_length', 'length'],
  ['max_tokens', 'length'],
  ['tool_use', 'tool_calls'],
  ['sensitive', 'content_filter'],
  ['safety', 'content_filter'],
])

/** Why a choice ended; undefined while it goes on, for which some put "" or "null" on every chunk. */
export function finishReasonIn(choice: Wire): string | undefined {
  const raw = asText(choice['finish_reason'])
  return raw === 'null' ? undefined : raw
}

/** A reason nobody knows is `other`; what the upstream said is kept beside it. */
export function decodeFinish(raw: string): FinishReason {
  return { unified: ALIASES.get(raw.toLowerCase()) ?? 'other', raw }
}

/** What clients read in `finish_reason`: a known reason by its OpenAI name, an unknown one as it came. */
export function wireFinish({ unified, raw }: FinishReason): string {
  return unified === 'other' ? (raw ?? 'stop') : unified
}

/** The failure that a finish reason tells of; undefined when it is a real end. */
export function failureOfFinish(upstream: string, raw: string): UpstreamError | undefined {
  const reason = raw.toLowerCase()
  if (reason === 'abort') return truncated(`${upstream} aborted its answer`)
  if (reason === 'insufficient_system_resource') {
    return failure(`${upstream} ran out of capacity in the middle of its answer`, 'upstream_overloaded')
  }
  if (reason === 'error' || reason === 'network_error') {
    return failure(`${upstream} ended its answer with ${raw}`, 'upstream_error')
  }
  return undefined
}

function failure(message: string, code: 'upstream_overloaded' | 'upstream_error'): UpstreamError {
  return code === 'upstream_overloaded'
    ? new UpstreamError({ message, code, type: 'overloaded_error', httpStatus: 503, retry: 'other' })
    : new UpstreamError({ message, code, type: 'upstream_error', httpStatus: 502, retry: 'same' })
}
