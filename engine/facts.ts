/** A request's text → numbers. Every scan is linear and stops after a fixed count of characters. */
import { inferClass } from './request-class.ts'
import type { TextBlock } from './text/text-block.ts'
import type { RequestFacts, RequestText } from './types.ts'

/** Characters looked at, taken from the end of the conversation: what is asked last says most about the answer. */
export const SCAN_LIMIT_CHARS = 12_000

/**
 * @param textBlock the feature space's; without one, or with one that is told embeddings, the facts have no `text`
 * @returns facts with all shares in [0, 1]; the same text always gives the same facts.
 */
export function describeRequest(request: RequestText, textBlock?: TextBlock): RequestFacts {
  const text = recentUserText(request)
  const shares = characterShares(text)
  const facts = {
    promptTokens: request.promptTokens,
    requestedOutputTokens: request.requestedOutputTokens,
    turns: request.messages.length,
    toolCount: request.toolCount ?? 0,
    imageCount: request.imageCount ?? 0,
    wantsSchema: request.wantsSchema ?? false,
    ...shares,
    ...(textBlock?.kind === 'words' && { text: textBlock.describe(text) }),
  }
  const given = request.requestClass
  return given === undefined
    ? { requestClass: inferClass(text, facts), classSource: 'inferred', ...facts }
    : { requestClass: given, classSource: 'caller', ...facts }
}

function recentUserText(request: RequestText): string {
  const pieces: string[] = []
  let left = SCAN_LIMIT_CHARS
  for (let i = request.messages.length - 1; i >= 0 && left > 0; i--) {
    const message = request.messages[i]!
    if (message.role !== 'user') continue
    const piece = headAndTail(message.text, left)
    pieces.unshift(piece)
    left -= piece.length
  }
  return pieces.join('\n')
}

/** Instructions stand at the start or at the end of a long message; the middle is usually the material. */
function headAndTail(text: string, limit: number): string {
  if (text.length <= limit) return text
  const head = Math.floor((limit * 2) / 3)
  return text.slice(0, head) + text.slice(text.length - (limit - head))
}

type Shares = Pick<RequestFacts, 'codeShare' | 'mathShare' | 'digitShare' | 'nonLatinShare' | 'hasQuestion'>

const CODE_MARKS = new Set('{}[]();=<>_`#&|\\')
const MATH_MARKS = new Set('+*/^=<>∑∫√≤≥≠±×÷π∞∂$%')
const QUESTION_MARKS = new Set('?？؟')

function characterShares(text: string): Shares {
  let seen = 0
  let code = 0
  let math = 0
  let digits = 0
  let nonLatin = 0
  let hasQuestion = false
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === 32 || (unit >= 9 && unit <= 13)) continue
    seen++
    if (unit >= 48 && unit <= 57) digits++
    else if ((unit >= 65 && unit <= 90) || (unit >= 97 && unit <= 122)) continue
    else {
      const mark = text[i]!
      if (CODE_MARKS.has(mark)) code++
      if (MATH_MARKS.has(mark)) math++
      if (QUESTION_MARKS.has(mark)) hasQuestion = true
      // U+024F ends Latin Extended-B; U+2000–U+2BFF are punctuation and symbols, of no script.
      if (unit > 0x24f && !(unit >= 0x2000 && unit <= 0x2bff)) nonLatin++
    }
  }
  const total = Math.max(seen, 1)
  return {
    hasQuestion,
    codeShare: code / total,
    mathShare: math / total,
    digitShare: digits / total,
    nonLatinShare: nonLatin / total,
  }
}
