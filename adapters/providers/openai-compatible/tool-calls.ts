/** Tool calls as OpenAI writes them, out of the ways its imitators do. */
import { newToolCallId } from '../tool-ids.ts'
import { asNumber, asRecord, asString, asText, type Wire } from '../wire.ts'

interface Call {
  /** Ours: 0, 1, 2… in order of appearance. */
  readonly index: number
  /** As the upstream sent it; undefined when it sent none. */
  readonly upstreamId: string | undefined
  readonly isFunction: boolean
  named: boolean
  hasArguments: boolean
}

/**
 * The calls of one choice of a stream. Understands indices that start at 1, leave gaps, are missing, or are 0 for every call;
 * ids and names that are missing, empty, repeated or shared by several calls; arguments that are null, absent or an object.
 */
export class StreamedCalls {
  readonly #calls: Call[] = []
  readonly #byUpstreamIndex = new Map<number, Call>()

  get count(): number {
    return this.#calls.length
  }

  /** Deltas for the caller: id, type and name with the first of a call, then arguments only. */
  accept(deltas: readonly Wire[]): readonly Wire[] {
    return deltas.flatMap((delta) => {
      const known = this.#find(delta)
      return known === undefined ? [this.#open(delta)] : this.#continue(known, delta)
    })
  }

  /** The choice is finished: a call that never got arguments has none, which is `{}`. */
  close(): readonly Wire[] {
    return this.#calls
      .filter(({ isFunction, hasArguments }) => isFunction && !hasArguments)
      .map((call) => {
        call.hasArguments = true
        return { index: call.index, function: { arguments: '{}' } }
      })
  }

  #find(delta: Wire): Call | undefined {
    const index = asNumber(delta['index'])
    const id = asText(delta['id'])
    const name = asText(asRecord(delta['function'])?.['name']) ?? asText(asRecord(delta['custom'])?.['name'])
    const call =
      index !== undefined
        ? this.#byUpstreamIndex.get(index)
        : id !== undefined
          ? this.#byId(id)
          : name === undefined
            ? this.#calls.at(-1)
            : undefined
    if (id === undefined || id === call?.upstreamId) return call
    if (name !== undefined) return undefined
    // Where every call has the same index, the id says which one goes on.
    return (call && this.#byId(id)) ?? call
  }

  #byId(id: string): Call | undefined {
    return this.#calls.find(({ upstreamId }) => upstreamId === id)
  }

  #open(delta: Wire): Wire {
    const id = asText(delta['id'])
    const isTaken = id !== undefined && this.#byId(id) !== undefined
    const isFunction = asRecord(delta['custom']) === undefined
    const call: Call = {
      index: this.#calls.length,
      upstreamId: id,
      isFunction,
      named: asText(asRecord(delta['function'])?.['name']) !== undefined,
      hasArguments: false,
    }
    this.#calls.push(call)
    this.#byUpstreamIndex.set(asNumber(delta['index']) ?? call.index, call)
    const { function: fn, index: _, ...rest } = delta
    const head = { ...rest, index: call.index, id: id === undefined || isTaken ? newToolCallId() : id }
    if (!isFunction) return head
    const text = argumentsText(asRecord(fn)?.['arguments'])
    call.hasArguments = text.trim() !== ''
    return {
      ...head,
      type: 'function',
      function: { name: asString(asRecord(fn)?.['name']) ?? '', arguments: text },
    }
  }

  #continue(call: Call, delta: Wire): readonly Wire[] {
    if (!call.isFunction) return [{ index: call.index, custom: delta['custom'] }]
    const fn = asRecord(delta['function'])
    const text = argumentsText(fn?.['arguments'])
    const lateName = call.named ? undefined : asText(fn?.['name'])
    if (text === '' && lateName === undefined) return []
    call.hasArguments ||= text.trim() !== ''
    call.named ||= lateName !== undefined
    const name = lateName === undefined ? {} : { name: lateName }
    return [{ index: call.index, function: { ...name, arguments: text } }]
  }
}

/** The calls of a whole answer. */
export function decodeCalls(calls: readonly Wire[]): readonly Wire[] {
  const taken = new Set<string>()
  return calls.map((call) => {
    const told = asText(call['id'])
    const id = told === undefined || taken.has(told) ? newToolCallId() : told
    taken.add(id)
    return decodeCall(call, id)
  })
}

function decodeCall(call: Wire, id: string): Wire {
  const { index: _, ...rest } = call
  if (asRecord(call['custom']) !== undefined) return { ...rest, id }
  const fn = asRecord(call['function'])
  const text = argumentsText(fn?.['arguments'])
  return {
    ...rest,
    id,
    type: 'function',
    function: { ...fn, name: asString(fn?.['name']) ?? '', arguments: text.trim() === '' ? '{}' : text },
  }
}

/** Passed on unchanged where it is text, also when it is not valid JSON: it is the model's answer, not ours. */
function argumentsText(value: unknown): string {
  if (typeof value === 'string') return value
  return value === null || value === undefined ? '' : JSON.stringify(value)
}
