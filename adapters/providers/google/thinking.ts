/** `reasoning_effort` → `thinkingConfig`. */
import type { Effort } from '../reasoning-effort.ts'
import type { Warning } from '../spec.ts'
import type { Wire } from '../wire.ts'
import type { GeminiTraits } from './models.ts'

const BUDGET_TOKENS: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 512,
  low: 1_024,
  medium: 8_192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576,
}
/** The least that a Pro model takes. */
const BUDGET_TOKENS_MIN = 128

export function encodeThinking(
  effort: Effort | undefined,
  { thinking, canStopThinking }: GeminiTraits,
  warnings: Warning[],
): Wire | undefined {
  if (effort === undefined) return undefined
  const warn = (message: string) => warnings.push({ field: 'reasoning_effort', message })
  if (thinking === 'none') {
    if (effort !== 'none') warn('This model does not think; reasoning_effort was left out')
    return undefined
  }
  const least = !canStopThinking && effort === 'none'
  if (least) warn('This model cannot stop thinking; it was asked for as little as it can')
  const includeThoughts = effort !== 'none'
  if (thinking === 'budget') {
    return { includeThoughts, thinkingBudget: least ? BUDGET_TOKENS_MIN : BUDGET_TOKENS[effort] }
  }
  const level = effort === 'medium' || effort === 'low' ? effort : levelOf(effort, canStopThinking)
  return { includeThoughts, thinkingLevel: level }
}

function levelOf(effort: Effort, isFlash: boolean): string {
  if (effort !== 'none' && effort !== 'minimal') return 'high'
  return isFlash ? 'minimal' : 'low'
}
