/**
 * Which arm gave the last turn of a conversation, and how much of its prompt that arm's provider has cached. Kept in this
 * process, bounded; what is forgotten costs a cheaper turn, never a wrong one. Only hashes of what was said are kept.
 */
import { hash } from 'node:crypto'
import { type ChatMessage, Generations, type Usage } from '../../adapters/index.ts'
import type { ArmId, WarmCache } from '../../engine/index.ts'

/** Kept at least, and twice as many at most; about 200 bytes each. */
const ENTRIES = 50_000
/** Of a longer string (an image, a file) only the ends and the length are hashed. */
const STRING_CHARS_MAX = 4_096
const END_CHARS = 1_024

/** Under which key the last turn was kept, and under which this one will be. */
export interface ConversationKeys {
  /** Undefined: a conversation's first turn. */
  readonly last: string | undefined
  /** Made when it is asked for first: of most requests nothing is kept. */
  readonly next: string
}

/**
 * A session that the caller names is one conversation. Otherwise the messages tell: the request before this one had those up
 * to the last answer of an assistant.
 */
export function conversationKeys(
  tenant: string,
  session: string,
  messages: readonly ChatMessage[],
): ConversationKeys {
  if (session !== '') {
    const key = hash('sha256', JSON.stringify([tenant, session]), 'base64')
    return new Keys(key, () => key)
  }
  let last: string | undefined
  let key = tenant
  let said = ''
  for (const message of messages) {
    // The key of what stood before an answer is the one that its request was kept under.
    if (message.role === 'assistant') {
      key = digest(key, said)
      last = key
      said = ''
    }
    said += fingerprint(message)
  }
  return new Keys(last, () => digest(key, said))
}

class Keys implements ConversationKeys {
  readonly last: string | undefined
  readonly #make: () => string
  #next: string | undefined

  constructor(last: string | undefined, make: () => string) {
    this.last = last
    this.#make = make
  }

  get next(): string {
    this.#next ??= this.#make()
    return this.#next
  }
}

function digest(before: string, said: string): string {
  return hash('sha256', `${before}\n${said}`, 'base64')
}

/** A plain message, which most are, is told without a walk through JSON. Begins with its length, so that no two texts run together. */
function fingerprint(message: ChatMessage): string {
  const { role, content } = message
  const text =
    typeof content === 'string' && Object.keys(message).length === 2
      ? `${role} ${shortened('', content)}`
      : JSON.stringify(message, shortened)
  return `${text.length} ${text}`
}

function shortened(_: string, value: unknown): unknown {
  if (typeof value !== 'string' || value.length <= STRING_CHARS_MAX) return value
  return [value.length, value.slice(0, END_CHARS), value.slice(-END_CHARS)]
}

/**
 * Prompt tokens that the next turn will find in the provider's cache. Where writing to it is told, what was read or written;
 * where only reading is, all of the prompt: such providers write unasked. Nothing where nothing is told.
 *
 * @param promptTokens as billed
 */
export function tokensLeftWarm(
  { cachedTokens, cacheWriteTokens }: Pick<Usage, 'cachedTokens' | 'cacheWriteTokens'>,
  promptTokens: number,
): number {
  if (cacheWriteTokens !== undefined) return (cachedTokens ?? 0) + cacheWriteTokens
  return cachedTokens === undefined ? 0 : promptTokens
}

interface Turn {
  readonly arm: ArmId
  readonly tokens: number
  readonly atMs: number
}

export class Conversations {
  readonly #turns: Generations<string, Turn>

  constructor(entries: number = ENTRIES) {
    this.#turns = new Generations(entries)
  }

  remember(keys: ConversationKeys, turn: Turn): void {
    this.#turns.set(keys.next, turn)
  }

  /** The turn after this one is to be as free as a first one. Of a first turn nothing is kept that would bind it. */
  forget(keys: ConversationKeys): void {
    if (keys.last !== undefined) this.#turns.delete(keys.next)
  }

  recall(keys: ConversationKeys, nowMs: number): WarmCache | undefined {
    const turn = keys.last === undefined ? undefined : this.#turns.get(keys.last)
    return turn && { arm: turn.arm, tokens: turn.tokens, ageMs: Math.max(nowMs - turn.atMs, 0) }
  }
}
