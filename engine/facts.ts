/** A request's text → numbers. Every scan is linear and stops after a fixed count of characters. */

import { inferClass } from './request-class.ts'
import { characterShares } from './text/character-shares.ts'
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
  if (given !== undefined) return { requestClass: given, classSource: 'caller', classConfidence: 1, ...facts }
  const { requestClass, confidence } = inferClass(text, facts)
  return { requestClass, classSource: 'inferred', classConfidence: confidence, ...facts }
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
