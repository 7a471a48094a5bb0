/** What a text is made of, character by character. */
import type { RequestFacts } from '../types.ts'

export type Shares = Pick<
  RequestFacts,
  'codeShare' | 'mathShare' | 'digitShare' | 'nonLatinShare' | 'hasQuestion'
>

const CODE_MARKS = new Set('{}[]();=<>_`#&|\\')
const MATH_MARKS = new Set('+*/^=<>∑∫√≤≥≠±×÷π∞∂$%')
const QUESTION_MARKS = new Set('?？؟')

/** Shares in [0, 1] of the characters that are not white space; linear in the text. */
export function characterShares(text: string): Shares {
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
