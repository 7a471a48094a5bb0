/** `reasoning_effort` → thinking and effort of a Claude model. */
import type { Effort } from '../reasoning-effort.ts'
import type { Warning } from '../spec.ts'
import type { Wire } from '../wire.ts'
import type { ClaudeTraits } from './models.ts'

const BUDGET_TOKENS: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 16_384,
  xhigh: 24_576,
  max: 31_999,
}
const BUDGET_TOKENS_MIN = 1_024

export interface Thinking {
  readonly thinking: Wire | undefined
  /** For `output_config.effort`. */
  readonly effort: string | undefined
}
const OFF: Thinking = { thinking: undefined, effort: undefined }

/**
 * @param obstacle why thinking cannot be on in this request; undefined when it can.
 * @param maxTokens of the whole answer; the budget is kept below it.
 */
export function encodeThinking(
  effort: Effort | undefined,
  traits: ClaudeTraits,
  maxTokens: number,
  obstacle: string | undefined,
  warnings: Warning[],
): Thinking {
  if (effort === undefined || effort === 'none') return OFF
  const warn = (message: string) => warnings.push({ field: 'reasoning_effort', message })
  if (traits.thinking === 'none') {
    warn('This model does not think; reasoning_effort was left out')
    return OFF
  }
  if (traits.thinking === 'adaptive') {
    const level = effort === 'minimal' ? 'low' : effort === 'xhigh' && !traits.xhighEffort ? 'high' : effort
    if (level !== effort) warn(`reasoning_effort ${effort} was sent as ${level}`)
    if (obstacle !== undefined) warn(`Thinking was switched off: ${obstacle}`)
    return { thinking: obstacle === undefined ? { type: 'adaptive' } : undefined, effort: level }
  }
  const budget = Math.min(BUDGET_TOKENS[effort], Math.floor(maxTokens / 2))
  const problem =
    obstacle ??
    (budget < BUDGET_TOKENS_MIN ? `${maxTokens} tokens for the answer leave no room for it` : undefined)
  if (problem === undefined)
    return { thinking: { type: 'enabled', budget_tokens: budget }, effort: undefined }
  warn(`Thinking was switched off: ${problem}`)
  return OFF
}
