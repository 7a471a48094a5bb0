/** ChatRequest → the body of `generateContent`. */
import { warnOfDropped } from '../dropped-fields.ts'
import { unsupported } from '../failures.ts'
import { readEffort } from '../reasoning-effort.ts'
import type { ChatCall, ChatRequest, Warning } from '../spec.ts'
import { asArray, asNumber, asString, defined, type Wire } from '../wire.ts'
import { encodeMessages } from './messages.ts'
import { geminiTraits } from './models.ts'
import { encodeThinking } from './thinking.ts'

const STOP_SEQUENCES_MAX = 5

const KNOWN_FIELDS = new Set([
  ...['max_tokens', 'max_completion_tokens', 'temperature', 'top_p', 'top_k', 'stop', 'n', 'seed', 'tools'],
  'parallel_tool_calls',
  ...['presence_penalty', 'frequency_penalty', 'logprobs', 'top_logprobs', 'tool_choice', 'response_format'],
  ...['reasoning_effort', 'modalities', 'user', 'safety_identifier', 'service_tier'],
])

export interface EncodedRequest {
  readonly body: Wire
  readonly warnings: readonly Warning[]
}

/** @throws {UpstreamError} 400 for what Gemini cannot do at all. */
export function encodeRequest(
  { model, request }: ChatCall,
  streaming: boolean,
  origin: string,
): EncodedRequest {
  const choices = request.n ?? 1
  if (choices > 1 && streaming) throw unsupported('n', 'Gemini streams one choice; n must be 1')
  const traits = geminiTraits(model)
  const warnings: Warning[] = [...warnOfDropped(request, KNOWN_FIELDS, 'Gemini')]
  const { systemInstruction, contents, warnings: repairs } = encodeMessages(request.messages, traits, origin)
  warnings.push(...repairs)
  const generationConfig = defined({
    maxOutputTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
    temperature: request.temperature ?? undefined,
    topP: request.top_p ?? undefined,
    topK: asNumber(request['top_k']),
    stopSequences: encodeStop(request, warnings),
    candidateCount: choices > 1 ? choices : undefined,
    seed: request.seed ?? undefined,
    presencePenalty: asNumber(request['presence_penalty']),
    frequencyPenalty: asNumber(request['frequency_penalty']),
    responseLogprobs: request['logprobs'] === true ? true : undefined,
    logprobs: request['logprobs'] === true ? asNumber(request['top_logprobs']) : undefined,
    responseModalities: encodeModalities(request),
    ...encodeFormat(request),
    thinkingConfig: encodeThinking(readEffort(request, warnings), traits, warnings),
  })
  const body = defined({
    systemInstruction,
    contents,
    tools: encodeTools(request),
    toolConfig: encodeChoice(request, warnings),
    generationConfig: Object.keys(generationConfig).length > 0 ? generationConfig : undefined,
  })
  return { body, warnings }
}

function encodeStop({ stop }: ChatRequest, warnings: Warning[]): readonly string[] | undefined {
  if (stop === null || stop === undefined) return undefined
  const asked = typeof stop === 'string' ? [stop] : stop
  if (asked.length > STOP_SEQUENCES_MAX) {
    warnings.push({
      field: 'stop',
      message: `Gemini takes ${STOP_SEQUENCES_MAX} stop sequences; the rest was left out`,
    })
  }
  return asked.length === 0 ? undefined : asked.slice(0, STOP_SEQUENCES_MAX)
}

function encodeModalities(request: ChatRequest): readonly string[] | undefined {
  const asked = asArray(request['modalities']).flatMap((modality) => asString(modality)?.toUpperCase() ?? [])
  if (asked.includes('AUDIO')) throw unsupported('modalities', 'Gemini gives no audio here')
  return asked.length === 0 ? undefined : asked
}

function encodeFormat({ response_format }: ChatRequest): Wire {
  if (response_format?.type !== 'json_object' && response_format?.type !== 'json_schema') return {}
  return { responseMimeType: 'application/json', responseJsonSchema: response_format.json_schema?.schema }
}

/** `parametersJsonSchema` takes JSON Schema as it is; the older `parameters` knows a subset of OpenAPI only. */
function encodeTools({ tools }: ChatRequest): readonly Wire[] | undefined {
  if (tools === undefined || tools.length === 0) return undefined
  const functionDeclarations = tools.map((tool) => {
    const fn = tool.function
    if (tool.type !== 'function' || fn === undefined) {
      throw unsupported('tools', `Gemini has no tool of type ${tool.type} for this request; use functions`)
    }
    return defined({ name: fn.name, description: fn.description, parametersJsonSchema: fn.parameters })
  })
  return [{ functionDeclarations }]
}

function encodeChoice(request: ChatRequest, warnings: Warning[]): Wire | undefined {
  const { tool_choice, parallel_tool_calls, tools } = request
  if (tools === undefined || tools.length === 0) return undefined
  if (parallel_tool_calls === false) {
    warnings.push({ field: 'parallel_tool_calls', message: 'Gemini cannot be held to one call at a time' })
  }
  const named =
    typeof tool_choice === 'object' && tool_choice !== null ? tool_choice.function.name : undefined
  const mode = { auto: 'AUTO', required: 'ANY', none: 'NONE' }
  if (named !== undefined) return { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: [named] } }
  return typeof tool_choice === 'string' ? { functionCallingConfig: { mode: mode[tool_choice] } } : undefined
}
