/** Tools and tool choice → Anthropic's. */
import { unsupported } from '../failures.ts'
import type { ChatRequest } from '../spec.ts'
import { asRecord, defined, type Wire } from '../wire.ts'

export interface EncodedTools {
  readonly tools: readonly Wire[] | undefined
  readonly toolChoice: Wire | undefined
}

/** @param calledTools functions of earlier turns: history with calls is refused unless their tools are declared. */
export function encodeTools(request: ChatRequest, calledTools: readonly string[]): EncodedTools {
  const tools = (request.tools ?? []).map(encodeTool)
  if (tools.length === 0) {
    const stubs = [...new Set(calledTools)].map((name) => ({ name, input_schema: { type: 'object' } }))
    return stubs.length === 0
      ? { tools: undefined, toolChoice: undefined }
      : { tools: stubs, toolChoice: { type: 'none' } }
  }
  return { tools, toolChoice: encodeChoice(request) }
}

function encodeTool(tool: NonNullable<ChatRequest['tools']>[number]): Wire {
  const fn = tool.function
  if (tool.type !== 'function' || fn === undefined) {
    throw unsupported('tools', `Anthropic has no tool of type ${tool.type} for this request; use functions`)
  }
  return defined({
    name: fn.name,
    description: fn.description,
    input_schema: { type: 'object', ...fn.parameters },
    strict: fn.strict === true ? true : undefined,
    cache_control: asRecord((tool as unknown as Wire)['cache_control']),
  })
}

function encodeChoice({ tool_choice, parallel_tool_calls }: ChatRequest): Wire | undefined {
  const single = parallel_tool_calls === false ? { disable_parallel_tool_use: true } : {}
  if (tool_choice === 'none') return { type: 'none' }
  if (tool_choice === 'required') return { type: 'any', ...single }
  if (typeof tool_choice === 'object' && tool_choice !== null) {
    return { type: 'tool', name: tool_choice.function.name, ...single }
  }
  return parallel_tool_calls === false || tool_choice === 'auto' ? { type: 'auto', ...single } : undefined
}
