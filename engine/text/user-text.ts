/** Which part of a conversation is looked at: what its user said last. */
import type { RequestText } from '../types.ts'

/** Characters counted by kind. Words are read off fewer: see TEXT_SCAN_CHARS and INSTRUCTION_CHARS. */
export const SCAN_LIMIT_CHARS = 12_000

/**
 * At most about `limitChars` of the user's messages, in their order: the last one first of all, then as much of those
 * before as still fits. Of a message that does not fit, head and tail.
 */
export function userText({ messages }: Pick<RequestText, 'messages'>, limitChars: number): string {
  const pieces: string[] = []
  let left = limitChars
  for (let i = messages.length - 1; i >= 0 && left > 0; i--) {
    const message = messages[i]!
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
