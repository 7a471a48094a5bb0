/** ChatRequest → the body of `POST /v1/messages`. */
import { warnOfDropped } from '../dropped-fields.ts'
import { unsupported } from '../failures.ts'
import { readEffort } from '../reasoning-effort.ts'
import type { ChatCall, ChatRequest, Warning } from '../spec.ts'
import { asNumber, asString, defined, type Wire } from '../wire.ts'
import { encodeJsonOutput, type JsonOutput } from './json-output.ts'
import { encodeMessages } from './messages.ts'
import { type ClaudeTraits, claudeTraits } from './models.ts'
import { encodeThinking } from './thinking.ts'
import { encodeTools } from './tools.ts'

/** Above this a whole answer can take longer than the vendor keeps a silent connection: it is streamed and folded. */
const UNARY_TOKENS_MAX = 21_333

const KNOWN_FIELDS = new Set([
  ...['max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'top_k', 'stop', 'tools', 'tool_choice'],
  ...[
    'parallel_tool_calls',
    'response_format',
    'reasoning_effort',
    'user',
    'safety_identifier',
    'service_tier',
  ],
])

export interface EncodedRequest {
  readonly body: Wire
  readonly streams: boolean
  readonly warnings: readonly Warning[]
  /** The answer is the input of this tool. */
  readonly answerTool: string | undefined
}

/** @throws {UpstreamError} 400 for what Anthropic cannot do at all (`n` > 1, logprobs, audio). */
export function encodeRequest(
  { model, request }: ChatCall,
  streaming: boolean,
  origin: string,
): EncodedRequest {
  refuseImpossible(request)
  const traits = claudeTraits(model)
  const warnings: Warning[] = [...warnOfDropped(request, KNOWN_FIELDS, 'Anthropic messages')]
  const conversation = encodeMessages(request.messages, traits, origin)
  warnings.push(...conversation.warnings)
  const maxTokens = request.max_completion_tokens ?? request.max_tokens ?? traits.maxOutputTokens
  const json = encodeJsonOutput(request, traits, warnings)
  const { tools, toolChoice } = encodeTools(request, conversation.calledTools)
  const forced =
    json.answerTool !== undefined || toolChoice?.['type'] === 'any' || toolChoice?.['type'] === 'tool'
  const obstacle = forced
    ? 'a forced tool excludes it'
    : conversation.lacksThinking
      ? 'the turn that is being continued was begun without it'
      : undefined
  const effort = readEffort(request, warnings)
  const { thinking, effort: level } = encodeThinking(effort, traits, maxTokens, obstacle, warnings)
  const outputConfig = defined({ format: json.format, effort: level })
  const streams = streaming || maxTokens > UNARY_TOKENS_MAX
  const body = defined({
    model,
    max_tokens: maxTokens,
    system: withInstruction(conversation.system, json),
    messages: conversation.messages,
    ...encodeSampling(request, traits, thinking !== undefined, warnings),
    stop_sequences: encodeStop(request, warnings),
    thinking,
    output_config: Object.keys(outputConfig).length > 0 ? outputConfig : undefined,
    tools: json.answerTool === undefined ? tools : [...(tools ?? []), json.answerTool],
    tool_choice: json.answerTool === undefined ? toolChoice : { type: 'tool', name: json.answerTool['name'] },
    metadata: encodeUser(request),
    service_tier: encodeServiceTier(request, warnings),
    stream: streams ? true : undefined,
  })
  return { body, streams, warnings, answerTool: asString(json.answerTool?.['name']) }
}

function refuseImpossible(request: ChatRequest): void {
  if ((request.n ?? 1) > 1) throw unsupported('n', 'Anthropic gives one choice; n must be 1')
  if (request['logprobs'] === true) throw unsupported('logprobs', 'Anthropic gives no log probabilities')
  const modalities = request['modalities']
  if (request['audio'] || (Array.isArray(modalities) && modalities.includes('audio'))) {
    throw unsupported('modalities', 'Anthropic gives no audio')
  }
}

/** `temperature` beyond Anthropic's range is clamped, not rescaled: 1 means the same at both. */
function encodeSampling(
  request: ChatRequest,
  traits: ClaudeTraits,
  thinks: boolean,
  warnings: Warning[],
): Wire {
  const asked = {
    temperature: request.temperature ?? undefined,
    top_p: request.top_p ?? undefined,
    top_k: asNumber(request['top_k']),
  }
  const drop = (field: keyof typeof asked, why: string) => {
    if (asked[field] === undefined) return
    asked[field] = undefined
    warnings.push({ field, message: `${field} was left out: ${why}` })
  }
  if (!traits.sampling) {
    for (const field of ['temperature', 'top_p', 'top_k'] as const)
      drop(field, 'this model takes no sampling options')
  }
  if (thinks) {
    if (asked.temperature !== 1) drop('temperature', 'a thinking model takes none but 1')
    drop('top_k', 'a thinking model takes none')
  }
  if (asked.temperature !== undefined && !traits.temperatureWithTopP) {
    drop('top_p', 'this model takes either temperature or top_p')
  }
  if (asked.temperature !== undefined && asked.temperature > 1) {
    asked.temperature = 1
    warnings.push({
      field: 'temperature',
      message: 'temperature was lowered to 1, the most that Anthropic takes',
    })
  }
  return asked
}

function encodeStop({ stop }: ChatRequest, warnings: Warning[]): readonly string[] | undefined {
  if (stop === null || stop === undefined) return undefined
  const asked = typeof stop === 'string' ? [stop] : stop
  const sent = asked.filter((sequence) => sequence.trim() !== '')
  if (sent.length < asked.length) {
    warnings.push({
      field: 'stop',
      message: 'Stop sequences of white space only are refused by Anthropic and were left out',
    })
  }
  return sent.length > 0 ? sent : undefined
}

function encodeUser(request: ChatRequest): Wire | undefined {
  const user = asString(request['safety_identifier']) ?? request.user
  return user === undefined ? undefined : { user_id: user }
}

function encodeServiceTier(request: ChatRequest, warnings: Warning[]): string | undefined {
  const tier = asString(request['service_tier'])
  if (tier === undefined || tier === 'auto') return tier
  if (tier === 'default' || tier === 'standard_only') return 'standard_only'
  warnings.push({ field: 'service_tier', message: `Anthropic has no service tier ${tier}; it was left out` })
  return undefined
}

function withInstruction(
  system: string | readonly Wire[] | undefined,
  { instruction }: JsonOutput,
): string | readonly Wire[] | undefined {
  if (instruction === undefined) return system
  if (system === undefined) return instruction
  return typeof system === 'string'
    ? `${system}\n\n${instruction}`
    : [...system, { type: 'text', text: instruction }]
}
