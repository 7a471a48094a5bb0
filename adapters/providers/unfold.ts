/** One response → chunks: for upstreams that answered whole although a stream was asked for. */
import type { ChatChunk, ChatResponse } from './spec.ts'

/** For each choice one chunk with everything and one that finishes. Usage is left out: it belongs to the end. */
export function unfold(response: ChatResponse): readonly ChatChunk[] {
  const { choices, usage: _, object: __, ...envelope } = response
  return choices.flatMap(({ index, message, finish_reason, ...extra }) => {
    const { tool_calls, ...rest } = message
    const calls = tool_calls?.map((call, position) => ({ index: position, ...call }))
    const delta = { ...rest, ...(calls !== undefined && { tool_calls: calls }) }
    return [
      { ...envelope, choices: [{ ...extra, index, delta, finish_reason: null }] },
      { ...envelope, choices: [{ index, delta: {}, finish_reason }] },
    ]
  })
}
