/** OpenAI's reasoning models refuse the options that steer sampling; a request written for any arm may carry them. */
import { unsupported } from '../failures.ts'
import type { ChatRequest } from '../spec.ts'

/** The answer stays right without these. */
const SAMPLING_FIELDS = [
  'temperature',
  'top_p',
  'presence_penalty',
  'frequency_penalty',
  'logit_bias',
] as const

/**
 * Fields that `model` would answer with a 400. From gpt-5.1 on reasoning can be off, and is unless asked for.
 * @throws {UpstreamError} for log probabilities: an answer without them is not what was asked for, another arm may have them.
 */
export function refusedFields(model: string, request: ChatRequest): readonly string[] {
  if (!reasons(model, request)) return []
  if (request['logprobs'] === true) {
    throw unsupported('logprobs', `${model} gives no log probabilities while it reasons`)
  }
  return SAMPLING_FIELDS.filter((field) => !isDefault(field, request[field]))
}

function reasons(model: string, { reasoning_effort }: ChatRequest): boolean {
  if (/^gpt-5\.\d/.test(model)) return (reasoning_effort ?? 'none') !== 'none'
  return /^(?:o\d|gpt-5)(?!.*chat)/.test(model)
}

/** Values that change nothing are accepted. */
function isDefault(field: (typeof SAMPLING_FIELDS)[number], value: unknown): boolean {
  if (value === null || value === undefined) return true
  return field === 'temperature' || field === 'top_p' ? value === 1 : value === 0
}
