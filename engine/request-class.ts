/** A label for a request whose caller gave none: a short list of plain signs, first match wins. */
import type { RequestFacts } from './types.ts'

const LONG_CONTEXT_TOKENS = 8_000

/** Whole words, so that "translated" in a story is not an order; no nested repetition, so that matching is linear. */
const SIGNS: readonly (readonly [requestClass: string, sign: RegExp])[] = [
  [
    'translation',
    /\b(?:translate|translation of|into (?:french|german|spanish|english|italian|chinese|japanese))\b/i,
  ],
  ['summarization', /\b(?:summari[sz]e|summary|tl;?dr|key points|condense|in brief)\b/i],
  [
    'extraction',
    /\b(?:extract|list all|find all|pull out|parse|as json|into a table|classify|categori[sz]e)\b/i,
  ],
  [
    'code',
    /```|\b(?:function|python|javascript|typescript|sql|regex|refactor|compile|stack trace|unit tests?|bug|code)\b/i,
  ],
  [
    'math',
    /\b(?:solve|equation|integral|derivative|probability|calculate|compute|prove|theorem|how many|percent)\b/i,
  ],
  [
    'reasoning',
    /\b(?:why|explain|compare|trade-?offs?|which of the following|step by step|argue|evaluate|analy[sz]e)\b/i,
  ],
  ['creative', /\b(?:poem|story|song|lyrics|slogan|haiku|fiction|imagine|brainstorm|limerick)\b/i],
]

type Clues = Omit<RequestFacts, 'requestClass' | 'classSource'>

/** One of the default classes. */
export function inferClass(text: string, clues: Clues): string {
  if (clues.imageCount > 0) return 'vision'
  if (clues.toolCount > 0) return 'tool-use'
  if (clues.promptTokens >= LONG_CONTEXT_TOKENS) return 'long-context'
  if (clues.wantsSchema) return 'extraction'
  for (const [requestClass, sign] of SIGNS) if (sign.test(text)) return requestClass
  if (clues.codeShare > 0.08) return 'code'
  if (clues.mathShare > 0.05 || clues.digitShare > 0.2) return 'math'
  return 'chat'
}
