/** A whole answer of Anthropic → ChatResponse. */
import { classifyPayload } from '../classify.ts'
import type { Answer } from '../codec.ts'
import { tellsError } from '../error-body.ts'
import { badOutput } from '../failures.ts'
import { newToolCallId } from '../tool-ids.ts'
import { wireUsage } from '../usage.ts'
import { asRecord, asRecords, asString, asText, type Wire } from '../wire.ts'
import { citationFields } from './citations.ts'
import type { ReadingContext } from './context.ts'
import { decodeFinish, wireFinish } from './finish.ts'
import { toReasoningDetail } from './thinking-blocks.ts'
import { decodeUsage } from './usage.ts'

/** @throws {UpstreamError} when the body tells of a failure inside a 200, or holds no answer. */
export function decodeAnswer(context: ReadingContext, body: unknown): Answer {
  const told = asRecord(body) ?? {}
  if (tellsError(told)) throw classifyPayload(context, told, Date.now())
  if (!Array.isArray(told['content'])) {
    throw badOutput(`${context.upstream} answered without content`, { raw: JSON.stringify(body) })
  }
  const blocks = asRecords(told['content'])
  const raw = asText(told['stop_reason'])
  const calls = callsOf(blocks, context)
  const message = messageOf(blocks, calls, context, refusalOf(raw, told))
  if (
    (raw ?? 'end_turn') === 'end_turn' &&
    message['content'] === null &&
    calls.length === 0 &&
    !('reasoning_content' in message)
  ) {
    throw badOutput(`${context.upstream} gave an empty answer`, { raw: JSON.stringify(body) })
  }
  const usage = decodeUsage(asRecord(told['usage']) ?? {})
  const finish = decodeFinish(raw, calls.length > 0)
  const counted = wireUsage(usage)
  return {
    response: {
      id: asString(told['id']) ?? '',
      object: 'chat.completion',
      created: Math.floor(Date.now() / 1_000),
      model: asString(told['model']) ?? '',
      choices: [
        {
          index: 0,
          message: message as unknown as Answer['response']['choices'][number]['message'],
          finish_reason: wireFinish(finish),
        },
      ],
      ...(counted !== undefined && { usage: counted }),
    },
    usage,
    finish,
  }
}

/** The words that go with a refusal, for OpenAI's `refusal`. */
export function refusalOf(stopReason: string | undefined, holder: Wire): string | undefined {
  return stopReason === 'refusal' ? asText(asRecord(holder['stop_details'])?.['explanation']) : undefined
}

/** Tools that Anthropic runs itself are no calls for the caller, and the tool that carries an answer is none either. */
function callsOf(blocks: readonly Wire[], { answerTool }: ReadingContext): readonly Wire[] {
  return blocks
    .filter(({ type, name }) => type === 'tool_use' && name !== answerTool)
    .map(({ id, name, input }) => ({
      id: asText(id) ?? newToolCallId(),
      type: 'function',
      function: { name: asString(name) ?? '', arguments: JSON.stringify(input ?? {}) },
    }))
}

function messageOf(
  blocks: readonly Wire[],
  calls: readonly Wire[],
  { answerTool, origin }: ReadingContext,
  refusal: string | undefined,
): Wire {
  let text = ''
  let reasoning = ''
  const details: Wire[] = []
  let cited: Wire = {}
  for (const [index, block] of blocks.entries()) {
    if (block['type'] === 'text') {
      const start = text.length
      text += asString(block['text']) ?? ''
      cited = joinLists(cited, citationFields(asRecords(block['citations']), start, text.length))
    } else if (block['type'] === 'tool_use' && block['name'] === answerTool) {
      text += JSON.stringify(block['input'] ?? {})
    } else if (block['type'] === 'thinking' || block['type'] === 'redacted_thinking') {
      reasoning += asString(block['thinking']) ?? ''
      const detail = toReasoningDetail(block, origin, index)
      if (detail !== undefined) details.push(detail)
    }
  }
  return {
    role: 'assistant',
    content: text === '' ? null : text,
    ...(refusal !== undefined && { refusal }),
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...(details.length > 0 && { reasoning_details: details }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...cited,
  }
}

function joinLists(a: Wire, b: Wire): Wire {
  const lists = Object.entries(b).map(([key, list]) => [key, [...asRecords(a[key]), ...asRecords(list)]])
  return { ...a, ...Object.fromEntries(lists) }
}
