/** What a reader must see first. */
import type { Reason } from '../../off-policy/types.ts'
import { type Insert, type Markup, markup } from './markup.ts'

/** `good`: shown to be better; `warn`: nothing was shown; `bad`: no number may be relied on. */
export type Tone = 'good' | 'warn' | 'bad'

export function renderBanner(tone: Tone, headline: string, body?: Insert): Markup {
  return markup`<div class="banner ${tone}" role="note"><strong>${headline}</strong>${body}</div>`
}

/** “No estimate”, why, and what to log to get one. The codes are those of the JSON. */
export function renderRefusal(reasons: readonly Reason[], headline = 'No estimate'): Markup {
  const items = reasons.map(({ code, message }) => markup`<li>${message} <code>${code}</code></li>`)
  return renderBanner('bad', headline, items.length > 0 && markup`<ul>${items}</ul>`)
}
