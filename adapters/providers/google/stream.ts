/** The events of a Gemini stream → chunks in OpenAI's shape. Every event is a whole response with the parts that are new. */
import { classifyPayload } from '../classify.ts'
import type { StreamDecoder, StreamEnd, StreamProgress } from '../codec.ts'
import { tellsError } from '../error-body.ts'
import { badOutput, truncated } from '../failures.ts'
import type { FramedEvent } from '../framer.ts'
import type { ChatChunk, ChatChunkChoice, FinishReason } from '../spec.ts'
import { asRecord, asRecords, asString, parseJson, type Wire } from '../wire.ts'
import { CandidateReader, incrementFields } from './candidate.ts'
import type { ReadingContext } from './context.ts'
import { finishReasonIn } from './finish.ts'
import { decodeLogprobs } from './logprobs.ts'
import { blockedPrompt, finishOf } from './response.ts'
import { decodeUsage } from './usage.ts'

export class GeminiStreamDecoder implements StreamDecoder {
  readonly #context: ReadingContext
  readonly #reader: CandidateReader
  #envelope: Wire = {}
  #usage: Wire = {}
  #begun = false
  /** The last candidate with a finish reason. */
  #last: Wire | undefined
  #blocked: FinishReason | undefined

  constructor(context: ReadingContext) {
    this.#context = context
    this.#reader = new CandidateReader(context)
  }

  /** Older models put a finish reason on every event, so that only the end of the body says that no more will come. */
  readonly progress: StreamProgress = 'open'

  push({ name, data }: FramedEvent): readonly ChatChunk[] {
    const payload = parseJson(data)
    const event = asRecord(payload)
    if (name === 'error' || (event !== undefined && tellsError(event))) {
      throw classifyPayload(this.#context, payload ?? data, Date.now())
    }
    if (name === 'stray' || data.trim() === '[DONE]') return []
    if (payload === undefined) {
      throw badOutput(`${this.#context.upstream} sent an event that is not JSON`, { raw: data })
    }
    return event === undefined ? [] : this.#event(event)
  }

  end(): StreamEnd {
    const usage = decodeUsage(this.#usage)
    if (this.#last === undefined && this.#blocked === undefined) {
      throw truncated(`${this.#context.upstream} ended its stream before the answer was complete`)
    }
    const finish =
      this.#last === undefined ? this.#blocked : finishOf(this.#context, this.#last, this.#reader)
    const known = finish ?? { unified: 'other', raw: undefined }
    return { chunks: [this.#chunk({}, known.unified)], usage, finish: known }
  }

  #event(event: Wire): readonly ChatChunk[] {
    // Cumulative, and not on every event.
    this.#usage = { ...this.#usage, ...asRecord(event['usageMetadata']) }
    if (this.#envelope['id'] === undefined) this.#envelope = envelopeOf(event)
    const [candidate] = asRecords(event['candidates'])
    this.#blocked ??= candidate === undefined ? blockedPrompt(event)?.finish : undefined
    if (candidate === undefined) return []
    if (finishReasonIn(candidate) !== undefined) this.#last = candidate
    const fields = incrementFields(this.#reader.read(candidate), this.#context.origin)
    const logprobs = decodeLogprobs(candidate)
    if (Object.keys(fields).length === 0 && logprobs === undefined) return []
    return [this.#chunk(fields, null, logprobs)]
  }

  #chunk(fields: Wire, finish: string | null, logprobs?: Wire): ChatChunk {
    const delta = (this.#begun ? fields : { role: 'assistant', ...fields }) as ChatChunkChoice['delta']
    this.#begun = true
    const choice = { index: 0, delta, finish_reason: finish, ...(logprobs !== undefined && { logprobs }) }
    return { ...this.#envelope, choices: [choice] }
  }
}

function envelopeOf(event: Wire): Wire {
  return {
    id: asString(event['responseId']) ?? '',
    object: 'chat.completion.chunk',
    created: Math.floor(Date.now() / 1_000),
    model: asString(event['modelVersion']) ?? '',
  }
}
