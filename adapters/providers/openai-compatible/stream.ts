/** The events of an OpenAI-shaped stream → our chunks. What already has OpenAI's shape passes through. */
import { classifyPayload } from '../classify.ts'
import type { StreamDecoder, StreamEnd, StreamProgress } from '../codec.ts'
import { tellsError } from '../error-body.ts'
import { badOutput, truncated } from '../failures.ts'
import type { FramedEvent } from '../framer.ts'
import type { ChatChunk, ChatChunkChoice, FinishReason, Usage } from '../spec.ts'
import { unfold } from '../unfold.ts'
import { UNKNOWN_USAGE } from '../usage.ts'
import { asArray, asRecord, asRecords, parseJson, type Wire, without } from '../wire.ts'
import type { ReadingContext } from './context.ts'
import { finishReasonIn, wireFinish } from './finish.ts'
import { choiceIndex, decodeAnswer, finishOf } from './response.ts'
import { hasSubstance, normalizeText } from './text.ts'
import { StreamedCalls } from './tool-calls.ts'
import { decodeUsage } from './usage.ts'

/** `usage` is told at the end; `obfuscation` and Mistral's `p` are padding against eavesdroppers. */
const NOT_PASSED_ON = ['usage', 'obfuscation', 'p']
const MESSAGE = ['message']
const NOT_TEXT = ['role', 'tool_calls']

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

interface ChoiceState {
  readonly calls: StreamedCalls
  begun: boolean
  hasSubstance: boolean
  finish: FinishReason | undefined
}

export class OpenAiStreamDecoder implements StreamDecoder {
  readonly #context: ReadingContext
  readonly #choices = new Map<number, ChoiceState>()
  #usage: Usage = UNKNOWN_USAGE
  #done = false

  constructor(context: ReadingContext) {
    this.#context = context
  }

  get progress(): StreamProgress {
    if (this.#done) return 'closed'
    return this.#isFinished() ? 'finished' : 'open'
  }

  push({ name, data }: FramedEvent): readonly ChatChunk[] {
    if (this.#done) return []
    if (data.trim() === '[DONE]') {
      this.#done = true
      return []
    }
    const payload = parseJson(data)
    const fields = asRecord(payload) ?? asRecord(asArray(payload)[0])
    if ((fields !== undefined && tellsError(fields)) || (name === 'error' && data.trim() !== '')) {
      throw classifyPayload(this.#context, payload ?? data, Date.now())
    }
    if (name === 'stray') return []
    if (payload === undefined) {
      throw badOutput(`${this.#context.upstream} sent an event that is not JSON`, { raw: data })
    }
    return fields === undefined || name === 'ping' ? [] : this.#chunk(fields)
  }

  end(): StreamEnd {
    if (this.#choices.size === 0 && this.#done) {
      throw badOutput(`${this.#context.upstream} ended its stream without an answer`)
    }
    if (!this.#done && !this.#isFinished()) {
      throw truncated(`${this.#context.upstream} ended its stream before the answer was complete`)
    }
    // [DONE] without a finish reason is an end too; our clients are given the one that fits.
    const unfinished = [...this.#choices].filter(([, { finish }]) => finish === undefined)
    const chunks = unfinished.map(([index, state]) => {
      const finish = this.#finish({}, state)
      return {
        choices: [{ index, delta: withCalls({}, state.calls.close()), finish_reason: wireFinish(finish) }],
      }
    })
    const states = [...this.#choices.values()]
    if (
      !this.#context.mayBeEmpty &&
      states.every((state) => state.finish?.unified === 'stop' && !state.hasSubstance)
    ) {
      throw badOutput(`${this.#context.upstream} gave an empty answer`)
    }
    const first = this.#choices.get(Math.min(...this.#choices.keys()))
    return { chunks, usage: this.#usage, finish: first?.finish ?? { unified: 'other', raw: undefined } }
  }

  #isFinished(): boolean {
    if (this.#choices.size < this.#context.choices) return false
    for (const { finish } of this.#choices.values()) if (finish === undefined) return false
    return true
  }

  #chunk(payload: Wire): readonly ChatChunk[] {
    this.#readUsage(payload)
    const choices = asRecords(payload['choices'])
    const isWhole = ({ delta, message }: Wire) => delta === undefined && asRecord(message) !== undefined
    if (this.#choices.size === 0 && choices.some(isWhole)) {
      return this.#wholeAnswer(payload)
    }
    if (choices.length === 0) return []
    // Parsed here and seen by nobody else, it is changed in place: a copy at each level would cost more than the parsing.
    const chunk = without(payload, NOT_PASSED_ON) as Mutable<ChatChunk>
    chunk.choices = choices.map((choice) => this.#choice(choice))
    return [chunk]
  }

  #choice(payload: Wire): ChatChunkChoice {
    const { message } = payload
    const choice = without(payload, MESSAGE)
    const index = choiceIndex(choice) ?? 0
    const state = this.#choices.get(index) ?? this.#begin(index)
    // Some end with the whole message, which says once more what the deltas said.
    const added = asRecord(choice['delta']) ?? (state.hasSubstance ? undefined : asRecord(message)) ?? {}
    const said = normalizeText(added)
    const { tool_calls } = said
    const text = without(said, NOT_TEXT)
    const spoken = state.begun ? text : { role: 'assistant' as const, ...text }
    state.begun = true
    const calls = tool_calls === undefined ? [] : state.calls.accept(asRecords(tool_calls))
    state.hasSubstance ||= calls.length > 0 || hasSubstance(text)
    const finishes = finishReasonIn(choice) !== undefined && state.finish === undefined
    const finish = finishes ? this.#finish(choice, state) : undefined
    const passedOn = choice as unknown as Mutable<ChatChunkChoice>
    passedOn.index = index
    passedOn.delta = withCalls(spoken, finishes ? [...calls, ...state.calls.close()] : calls)
    passedOn.finish_reason = finish === undefined ? null : wireFinish(finish)
    return passedOn
  }

  #finish(choice: Wire, state: ChoiceState): FinishReason {
    const seen = { calls: state.calls.count, empty: !state.hasSubstance }
    state.finish = finishOf(this.#context, choice, seen)
    return state.finish
  }

  #begin(index: number): ChoiceState {
    const state = { calls: new StreamedCalls(), begun: false, hasSubstance: false, finish: undefined }
    this.#choices.set(index, state)
    return state
  }

  /** The upstream did not stream after all: its one event is the whole answer. */
  #wholeAnswer(payload: Wire): readonly ChatChunk[] {
    const answer = decodeAnswer(this.#context, payload)
    for (const choice of answer.response.choices) {
      const state = this.#begin(choice.index)
      state.hasSubstance = true
      state.finish = answer.finish
    }
    return unfold(answer.response)
  }

  /** Counts are cumulative wherever they come: the last word holds. */
  #readUsage(payload: Wire): void {
    const told = asRecord(payload['usage']) ?? asRecord(asRecord(payload['x_groq'])?.['usage'])
    if (told !== undefined) this.#usage = decodeUsage(told)
  }
}

function withCalls(delta: Wire, calls: readonly Wire[]): ChatChunkChoice['delta'] {
  return (calls.length > 0 ? { ...delta, tool_calls: calls } : delta) as ChatChunkChoice['delta']
}
