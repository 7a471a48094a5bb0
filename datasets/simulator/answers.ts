/** What a simulated arm says: the dataset's outcome for the prompt, put into words, or a call of the offered tool. */
import { randomStream } from '../random.ts'
import { type ArmProfile, estimateTokens, tokensOf } from './arms.ts'
import { Refusal } from './errors.ts'
import { simulatedJudgement } from './judging.ts'
import type { Match, PromptBook } from './prompt-book.ts'
import { plausibleArguments } from './tool-arguments.ts'
import { writeVerdict } from './verdict.ts'
import type { Answer, JsonObject, SimulatedRequest, Tool } from './wire/wire.ts'

const CHARS_PER_TOKEN = 4
const MAX_TEXT_CHARS = 64_000
const FILLER = 'These words only stand for the length of an answer. '
const FILLING = FILLER.repeat(Math.ceil(MAX_TEXT_CHARS / FILLER.length))
/** Name and punctuation of a call, beside its arguments. */
const TOOL_CALL_TOKENS = 12

export interface AnswerContext {
  readonly arm: ArmProfile
  readonly book: PromptBook
  readonly datasetName: string
  readonly seed: number
  readonly id: string
  readonly createdS: number
}

export interface ComposedAnswer {
  readonly answer: Answer
  /** The prompt's id, or the text of a prompt that is not in the set: the key of its latency. */
  readonly promptKey: string
}

/**
 * Tools offered and the user spoke last: a tool call, never cut by `max_tokens`. JSON asked for: JSON of that schema, and a
 * judgement where the schema has a verdict. Otherwise text of as many tokens as the
 * outcome has, ending in its verdict; or of `max_tokens`, cut off and without one. Input tokens are the outcome's, plus a quarter of the bytes of
 * the rest of the conversation.
 *
 * @throws {Refusal} 400 when the tool choice names a tool that was not offered
 */
export function composeAnswer(request: SimulatedRequest, context: AnswerContext): ComposedAnswer {
  const { arm, seed } = context
  const match = context.book.find(request.userText, arm.id)
  const isExact = match.kind === 'exact'
  const promptKey = isExact ? match.row.promptId : request.userText
  const recorded = tokensOf(match.row, arm.id, arm.price)
  const promptTokens = isExact ? recorded.input : estimateTokens(request.userText)
  const shared = {
    id: context.id,
    model: arm.upstreamModel,
    createdS: context.createdS,
    inputTokens: promptTokens + Math.ceil(request.otherBytes / CHARS_PER_TOKEN),
  }
  const tool = toolToCall(request)
  if (tool !== undefined) {
    const random = randomStream(seed, 'tool', arm.id, promptKey)
    const args =
      simulatedJudgement(tool.schema, request.userText, random) ??
      plausibleArguments(tool.schema, random, request.userText)
    const outputTokens = TOOL_CALL_TOKENS + estimateTokens(JSON.stringify(args))
    const content = { kind: 'tool-call', name: tool.name, arguments: args } as const
    return { promptKey, answer: { ...shared, content, isTruncated: false, outputTokens } }
  }
  const limit = request.maxOutputTokens ?? Number.POSITIVE_INFINITY
  if (request.jsonSchema !== undefined) {
    const json = jsonAnswer(request.jsonSchema, request.userText, context, promptKey)
    const length = estimateTokens(json)
    const isTruncated = length > limit
    const text = isTruncated ? json.slice(0, limit * CHARS_PER_TOKEN) : json
    return {
      promptKey,
      answer: {
        ...shared,
        content: { kind: 'text', text },
        isTruncated,
        outputTokens: Math.min(length, limit),
      },
    }
  }
  const isTruncated = limit < recorded.output
  const text = isTruncated
    ? bodyOf(match, recorded.output, context).slice(0, limit * CHARS_PER_TOKEN)
    : `${bodyOf(match, recorded.output, context)}\n${verdictOf(match, arm)}`
  return {
    promptKey,
    answer: {
      ...shared,
      content: { kind: 'text', text },
      isTruncated,
      outputTokens: isTruncated ? limit : recorded.output,
    },
  }
}

/** Text says that it is simulated; a judgement says what it was made of. */
function jsonAnswer(
  schema: JsonObject,
  userText: string,
  { seed, arm }: AnswerContext,
  promptKey: string,
): string {
  const random = randomStream(seed, 'json', arm.id, promptKey)
  const judgement = simulatedJudgement(schema, userText, random)
  if (judgement !== undefined) return JSON.stringify(judgement)
  const words = `simulated: ${userText}`
  if (Object.keys(schema).length === 0) return JSON.stringify({ answer: words.slice(0, 200).toWellFormed() })
  return JSON.stringify(plausibleArguments(schema, random, words))
}

/** Says what it is, then fills up to the length. */
function bodyOf(match: Match, outputTokens: number, context: AnswerContext): string {
  const { arm, datasetName } = context
  const origin =
    match.kind === 'nearest'
      ? `The prompt is not in the dataset ${datasetName}, so this is the outcome of ${arm.id} on the prompt most like it.`
      : `This is the outcome of ${arm.id} on a prompt of the dataset ${datasetName}.`
  const lead = `A simulated answer: no model wrote it. ${origin} `
  const room = Math.min(outputTokens * CHARS_PER_TOKEN, MAX_TEXT_CHARS) - lead.length
  return `${lead}${FILLING.slice(0, Math.max(0, room))}`.trimEnd()
}

function verdictOf(match: Match, arm: ArmProfile): string {
  const quality = match.row.outcomes.get(arm.id)?.quality ?? 0
  return writeVerdict({
    promptId: match.row.promptId,
    armId: arm.id,
    quality,
    isNearest: match.kind === 'nearest',
  })
}

function toolToCall(request: SimulatedRequest): Tool | undefined {
  const { toolChoice, tools } = request
  if (toolChoice.kind === 'none' || request.isToolResult) return undefined
  if (toolChoice.kind !== 'named') return tools[0]
  const tool = tools.find((candidate) => toolChoice.names.includes(candidate.name))
  if (tool !== undefined) return tool
  throw new Refusal(
    400,
    'bad-request',
    `tool_choice names '${toolChoice.names.join(', ')}', which is not among the tools`,
  )
}
