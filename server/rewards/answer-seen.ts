/** An answer as far as it is looked at afterwards: what each choice says, calls and ends with. Held only until then. */
import type { ChatChunk, ChatResponse } from '../../adapters/index.ts'

/** Of one answer, all choices together; what is longer is not looked at, but for how it ended. */
const CHARS_MAX = 256 * 1024
const CHOICES_MAX = 16
const CALLS_MAX = 128

export interface ToolCallSeen {
  name: string
  arguments: string
}

export interface ChoiceSeen {
  content: string
  refusal: string
  readonly toolCalls: ToolCallSeen[]
  /** In OpenAI's words; '' when none was told. */
  finish: string
}

export interface AnswerSeen {
  readonly choices: readonly ChoiceSeen[]
  /** It was longer than what is kept: texts and arguments are not whole. */
  readonly isCut: boolean
}

export function seenWhole({ choices }: ChatResponse): AnswerSeen {
  const collector = new AnswerCollector()
  for (const { index, message, finish_reason } of choices) {
    const { content, refusal, tool_calls } = message
    const delta = {
      content,
      ...(refusal !== undefined && { refusal }),
      tool_calls: (tool_calls ?? []).map((call, i) => ({ index: i, function: call.function })),
    }
    collector.chunk({ choices: [{ index, delta, finish_reason }] })
  }
  return collector.seen()
}

/** Puts a stream's chunks together again. */
export class AnswerCollector {
  readonly #choices = new Map<number, ChoiceSeen>()
  #chars = 0
  #isCut = false

  chunk({ choices }: ChatChunk): void {
    for (const { index, delta, finish_reason } of choices) {
      const choice = this.#choice(index)
      if (choice === undefined) continue
      if (delta.content) choice.content += this.#room(delta.content)
      if (delta.refusal) choice.refusal += this.#room(delta.refusal)
      for (const part of delta.tool_calls ?? []) {
        const call = this.#call(choice, part.index)
        if (call === undefined) continue
        if (part.function?.name) call.name += this.#room(part.function.name)
        if (part.function?.arguments) call.arguments += this.#room(part.function.arguments)
      }
      if (finish_reason !== null) choice.finish = finish_reason
    }
  }

  seen(): AnswerSeen {
    return { choices: [...this.#choices.values()], isCut: this.#isCut }
  }

  #choice(index: number): ChoiceSeen | undefined {
    const known = this.#choices.get(index)
    if (known !== undefined) return known
    if (this.#choices.size >= CHOICES_MAX) {
      this.#isCut = true
      return undefined
    }
    const choice: ChoiceSeen = { content: '', refusal: '', toolCalls: [], finish: '' }
    this.#choices.set(index, choice)
    return choice
  }

  #call({ toolCalls }: ChoiceSeen, index: number): ToolCallSeen | undefined {
    if (index < 0 || index >= CALLS_MAX) {
      this.#isCut = true
      return undefined
    }
    while (toolCalls.length <= index) toolCalls.push({ name: '', arguments: '' })
    return toolCalls[index]
  }

  #room(text: string): string {
    if (this.#isCut || this.#chars + text.length > CHARS_MAX) {
      this.#isCut = true
      return ''
    }
    this.#chars += text.length
    return text
  }
}
