/** `response_format` → what a Claude model can do about it. */
import type { ChatRequest, Warning } from '../spec.ts'
import type { Wire } from '../wire.ts'
import type { ClaudeTraits } from './models.ts'

/** The tool whose input is the answer, for models without structured output. */
export const ANSWER_TOOL = 'json_answer'

export interface JsonOutput {
  /** For `output_config.format`. */
  readonly format: Wire | undefined
  /** A tool that is forced; its input is the answer's text. */
  readonly answerTool: Wire | undefined
  /** Added to the system prompt. */
  readonly instruction: string | undefined
}
const PLAIN: JsonOutput = { format: undefined, answerTool: undefined, instruction: undefined }

export function encodeJsonOutput(
  request: ChatRequest,
  traits: ClaudeTraits,
  warnings: Warning[],
): JsonOutput {
  const format = request.response_format
  const schema = format?.json_schema?.schema
  const field = 'response_format'
  if (format?.type === 'json_schema' && schema !== undefined) {
    if (traits.structuredOutput) return { ...PLAIN, format: { type: 'json_schema', schema } }
    if ((request.tools ?? []).length === 0) {
      const description = 'Gives the answer. Call it once, with the whole answer as its input.'
      return { ...PLAIN, answerTool: { name: ANSWER_TOOL, description, input_schema: schema } }
    }
    warnings.push({
      field,
      message: 'This model has no structured output beside tools; it was asked for the schema in words',
    })
    return {
      ...PLAIN,
      instruction: `Answer with one JSON value and nothing else. It follows this JSON Schema: ${JSON.stringify(schema)}`,
    }
  }
  if (format?.type === 'json_object' || format?.type === 'json_schema') {
    warnings.push({
      field,
      message: 'Anthropic has no JSON mode without a schema; it was asked for in words',
    })
    return { ...PLAIN, instruction: 'Answer with one JSON object and nothing else.' }
  }
  return PLAIN
}
