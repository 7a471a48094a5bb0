/**
 * Which arm gave the last turn of a conversation, and how much of its prompt that arm's provider has cached. Kept in this
 * process, bounded; what is forgotten costs a cheaper turn, never a wrong one. Only hashes of what was said are kept.
 */
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { ChatMessage, Usage } from '../../adapters/index.ts'
import type { ArmId, WarmCache } from '../../engine/index.ts'

/** About 200 bytes each. */
const ENTRIES_MAX = 50_000
/** Of a longer string (an image, a file) only the ends and the length are hashed. */
const STRING_CHARS_MAX = 4_096
const END_CHARS = 1_024

/** Under which key the last turn was kept, and under which this one will be. */
export interface ConversationKeys {
  /** Undefined: a conversation's first turn. */
  readonly last: string | undefined
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
    return { last: key, next: key }
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
  return { last, next: digest(key, said) }
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
  readonly #turns: LRUCache<string, Turn>

  constructor(entriesMax: number = ENTRIES_MAX) {
    this.#turns = new LRUCache({ max: entriesMax })
  }

  remember(keys: ConversationKeys, turn: Turn): void {
    this.#turns.set(keys.next, turn)
  }

  recall(keys: ConversationKeys, nowMs: number): WarmCache | undefined {
    const turn = keys.last === undefined ? undefined : this.#turns.get(keys.last)
    return turn && { arm: turn.arm, tokens: turn.tokens, ageMs: Math.max(nowMs - turn.atMs, 0) }
  }
}
