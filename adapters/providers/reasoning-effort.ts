/** OpenAI's `reasoning_effort`, ordered. */
import type { ChatRequest, Warning } from './spec.ts'

export const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const
export type Effort = (typeof EFFORTS)[number]

/** The effort that is asked for; undefined when none is, or with a warning when the word is unknown. */
export function readEffort({ reasoning_effort }: ChatRequest, warnings: Warning[]): Effort | undefined {
  if (reasoning_effort === null || reasoning_effort === undefined) return undefined
  const effort = EFFORTS.find((known) => known === reasoning_effort)
  if (effort === undefined) {
    const field = 'reasoning_effort'
    warnings.push({
      field,
      message: `reasoning_effort must be one of ${EFFORTS.join(', ')}; it was left out`,
    })
  }
  return effort
}
