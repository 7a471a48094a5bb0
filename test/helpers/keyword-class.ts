/**
 * The keyword rules that the classifier of request classes replaced, kept to be measured beside it: a short list of plain
 * signs, first match wins.
 */
import { describeRequest, type RequestText } from '../../engine/index.ts'

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

/** One of the default classes. */
export function keywordClass(request: RequestText): string {
  const facts = describeRequest({ ...request, requestClass: 'unread' })
  const text = request.messages
    .filter(({ role }) => role === 'user')
    .map((message) => message.text)
    .join('\n')
  if (facts.imageCount > 0) return 'vision'
  if (facts.toolCount > 0) return 'tool-use'
  if (facts.promptTokens >= LONG_CONTEXT_TOKENS) return 'long-context'
  if (facts.wantsSchema) return 'extraction'
  for (const [requestClass, sign] of SIGNS) if (sign.test(text)) return requestClass
  if (facts.codeShare > 0.08) return 'code'
  if (facts.mathShare > 0.05 || facts.digitShare > 0.2) return 'math'
  return 'chat'
}
