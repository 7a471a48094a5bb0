/**
 * What the next turn of a conversation says of the answer before: the same question again, or a plea to try again. Of each
 * conversation the last decision and a hash of its question are kept, bounded; never a text.
 */
import { createHash } from 'node:crypto'
import { type ChatMessage, type ChatRequest, Generations } from '../../adapters/index.ts'
import type { DecisionId } from '../../engine/index.ts'
import { conversationKeys } from '../pipeline/conversations.ts'
import type { Signal } from '../registry.ts'

/** Kept at least, and twice as many at most; about 250 bytes each. */
const CONVERSATIONS = 50_000
/** A question that comes again after this is another occasion. */
const REPEAT_MS_MAX = 30 * 60_000
/** Of a longer question only the beginning is compared. */
const QUESTION_CHARS_MAX = 4_096
/** Shorter ones ("yes", "go on") come again in any conversation. */
const QUESTION_CHARS_MIN = 12
/** A longer message says more than that it should be tried again. */
const PLEA_CHARS_MAX = 160

/** In the languages that most requests come in; of what is missed here nothing is learned. */
const PLEAS: readonly RegExp[] = [
  /^(no[,.!]? )?(please )?(try|do (it|that)) (it )?(once )?(again|over)\b/,
  /^(please )?(regenerate|redo|retry)\b/,
  /\b(try|answer) (it )?(again|once more)\b/,
  /\b(that|this|it|your answer|the answer)( is|'s| was|’s)? (still )?(wrong|incorrect|not (right|correct|what i (asked|meant|wanted)))\b/,
  /\b(not|isn't|isn’t) what i (asked|meant|wanted)\b/,
  /\bstill (wrong|doesn't work|doesn’t work|not working|incorrect)\b/,
  /\b(versuch(e|s|en sie)?|probier(e|s)?)\b.*\b(noch ?mal|erneut|noch einmal)\b/,
  /\bdas (ist|war) (immer noch )?(falsch|nicht richtig|nicht das,? was ich)/,
  /\b(r[ée]essa(ie|yez)|essa(ie|yez) (encore|de nouveau|à nouveau))\b/,
  /\bc['’]est (toujours )?(faux|incorrect)\b/,
  /\b(int[ée]ntalo|prueba) (de nuevo|otra vez)\b/,
  /\b(eso )?(est[áa]|es) (mal|incorrecto)\b/,
  /\btent[ea] (de novo|novamente)\b/,
  /\briprova\b/,
  /попробуй(те)? (еще|ещё) раз|это неправильно/,
  /再试一次|重新(回答|生成)|不对|もう一度(やって|試して|お願い)|違います|다시 (해|시도|생성)|틀렸/,
]

interface Turn {
  readonly decisionId: DecisionId
  /** '' of a question that is too short to be told from others. */
  readonly question: string
  readonly atMs: number
}

/** A signal that the answer before this one is owed. */
export interface Afterthought {
  readonly decisionId: DecisionId
  readonly signal: Extract<Signal, 'repeatedQuestion' | 'tryAgain'>
}

export class Turns {
  readonly #turns: Generations<string, Turn>

  constructor(conversations: number = CONVERSATIONS) {
    this.#turns = new Generations(conversations)
  }

  /** Remembers this turn; what it says of the one before. Without a session, a conversation is known by its beginning. */
  note(
    tenant: string,
    session: string,
    { messages }: Pick<ChatRequest, 'messages'>,
    decisionId: DecisionId,
    nowMs: number,
  ): Afterthought | undefined {
    const { last, next } = conversationKeys(tenant, session, messages)
    const asked = lastUserText(messages)
    const turn: Turn = { decisionId, question: questionHash(asked), atMs: nowMs }
    // The same messages once more are an answer that is made anew; but two strangers may begin alike.
    const before = last === undefined ? undefined : (this.#turns.get(next) ?? this.#turns.get(last))
    this.#turns.set(next, turn)
    if (before === undefined) return undefined
    if (isPlea(asked)) return { decisionId: before.decisionId, signal: 'tryAgain' }
    const isRepeated =
      turn.question !== '' && turn.question === before.question && nowMs - before.atMs <= REPEAT_MS_MAX
    return isRepeated ? { decisionId: before.decisionId, signal: 'repeatedQuestion' } : undefined
  }
}

/** Whether a message is about the answer before rather than about anything new. */
export function isPlea(text: string): boolean {
  const plain = text.trim()
  if (plain.length > PLEA_CHARS_MAX) return false
  const lower = plain.toLowerCase()
  return PLEAS.some((plea) => plea.test(lower))
}

/** Case, white space and punctuation do not make another question. */
function questionHash(text: string): string {
  const plain = text
    .slice(0, QUESTION_CHARS_MAX)
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
  if (plain.length < QUESTION_CHARS_MIN) return ''
  return createHash('sha256')
    .update(`${text.length > QUESTION_CHARS_MAX ? text.length : ''}\n${plain}`)
    .digest('base64')
}

function lastUserText(messages: readonly ChatMessage[]): string {
  const content = messages.findLast(({ role }) => role === 'user')?.content
  if (typeof content === 'string') return content
  return (content ?? []).flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
}
