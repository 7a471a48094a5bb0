/** A request's text → numbers. Every scan is linear and stops after a fixed count of characters. */
import { inferClass } from './request-class.ts'
import { characterShares } from './text/character-shares.ts'
import { INSTRUCTION_CHARS } from './text/class-features.ts'
import type { TextBlock } from './text/text-block.ts'
import { SCAN_LIMIT_CHARS, userText } from './text/user-text.ts'
import { TEXT_SCAN_CHARS } from './text/word-vector.ts'
import type { RequestFacts, RequestText } from './types.ts'

/**
 * @param textBlock the feature space's; without one, or with one that is told embeddings, the facts have no `text`
 * @returns facts with all shares in [0, 1]; the same text always gives the same facts.
 */
export function describeRequest(request: RequestText, textBlock?: TextBlock): RequestFacts {
  const scanned = userText(request, SCAN_LIMIT_CHARS)
  const shares = characterShares(scanned)
  const upTo = (limitChars: number) =>
    scanned.length <= limitChars ? scanned : userText(request, limitChars)
  const facts = {
    promptTokens: request.promptTokens,
    requestedOutputTokens: request.requestedOutputTokens,
    turns: request.messages.length,
    toolCount: request.toolCount ?? 0,
    imageCount: request.imageCount ?? 0,
    wantsSchema: request.wantsSchema ?? false,
    ...shares,
    ...(textBlock?.kind === 'words' && {
      text: textBlock.describe(upTo(TEXT_SCAN_CHARS)),
    }),
  }
  const given = request.requestClass
  if (given !== undefined) return { requestClass: given, classSource: 'caller', classConfidence: 1, ...facts }
  const { requestClass, confidence } = inferClass(upTo(INSTRUCTION_CHARS), facts)
  return { requestClass, classSource: 'inferred', classConfidence: confidence, ...facts }
}
