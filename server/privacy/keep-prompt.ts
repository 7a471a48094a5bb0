/** The text of a request, cut and redacted, for those who asked to keep it. */
import type { ChatMessage, PromptRow } from '../../adapters/index.ts'
import type { PromptSettings } from '../registry.ts'
import { createRedactor, type Redactor } from './redact.ts'

/** Read before the cut, so that what the cut goes through is still found. */
const MARGIN_CHARS = 256

const redactors = new WeakMap<PromptSettings, Redactor>()

/** The latest messages, as far as `maxChars` reach; images are named, not kept. */
export function promptOf(
  messages: readonly ChatMessage[],
  settings: PromptSettings,
): Pick<PromptRow, 'messages' | 'truncated' | 'redactions'> {
  const redact = redactorOf(settings)
  const kept: { role: string; text: string }[] = []
  let left = settings.maxChars
  let redactions = 0
  let truncated = false
  for (const message of messages.toReversed()) {
    if (left <= 0) {
      truncated = true
      break
    }
    const whole = textOf(message)
    const cut = whole.length > left
    const { text, count } = redact(cut ? whole.slice(-(left + MARGIN_CHARS)) : whole)
    redactions += count
    truncated ||= cut
    kept.push({ role: message.role, text: cut ? text.slice(-left) : text })
    left -= whole.length
  }
  return { messages: kept.toReversed(), truncated, redactions }
}

function redactorOf(settings: PromptSettings): Redactor {
  let redactor = redactors.get(settings)
  if (redactor === undefined) {
    redactor = createRedactor(settings.redact, settings.patterns)
    redactors.set(settings, redactor)
  }
  return redactor
}

function textOf({ content }: ChatMessage): string {
  if (typeof content === 'string') return content
  return (content ?? []).map((part) => (part.type === 'text' ? part.text : `[${part.type}]`)).join('\n')
}
