/** `stop_reason` → why an answer ended. */
import type { FinishReason } from '../spec.ts'

const FINISH: ReadonlyMap<string, FinishReason['unified']> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['pause_turn', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'content_filter'],
])

/** @param hasCalls the answer holds calls for the caller; a tool of our own making is none. */
export function decodeFinish(raw: string | undefined, hasCalls: boolean): FinishReason {
  const unified = raw === undefined ? 'stop' : (FINISH.get(raw) ?? 'other')
  if (unified === 'tool_calls' && !hasCalls) return { unified: 'stop', raw }
  return unified === 'stop' && hasCalls ? { unified: 'tool_calls', raw } : { unified, raw }
}

/** What our clients read: OpenAI has no word for a reason that nobody knows. */
export function wireFinish({ unified }: FinishReason): string {
  return unified === 'other' ? 'stop' : unified
}
