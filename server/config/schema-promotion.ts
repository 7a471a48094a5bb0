/** `promotion:` of the configuration: what has to be shown of a policy, and how much traffic it gets first. */
import { z } from 'zod'
import { VALUES } from '../../eval/gate/index.ts'
import { UNITS } from '../policies/slot.ts'
import { DEFAULTS } from './defaults.ts'
import { amount, integer, name, named, number, section, share } from './schema-fields.ts'

const guardrail = section({
  worseBy: amount().optional().describe('How much worse at most, in the value’s own unit.'),
  worseByShare: amount()
    .optional()
    .describe('The same as a share of what the log had: 0.1 is ten percent. One of the two.'),
})

export const promotionSection = section({
  objective: z
    .enum(VALUES)
    .default(DEFAULTS.promotion.objective)
    .describe(
      'The value in which a policy must be better than what serves, at the lower end of the interval.',
    ),
  guardrails: named(name(), guardrail)
    .optional()
    .describe(
      `By value (${VALUES.join(', ')}), how much worse a policy may be at the worse end of the interval. Default: success may be worse by ${DEFAULTS.promotion.successWorseBy}.`,
    ),
  maxAgeDays: number(z.number().positive())
    .default(DEFAULTS.promotion.maxAgeDays)
    .describe('Older evaluations do not count.'),
  minEss: amount()
    .default(DEFAULTS.promotion.minEss)
    .describe('Effective sample size of an evaluation, at least.'),
  minEssShare: share()
    .default(DEFAULTS.promotion.minEssShare)
    .describe('The same as a share of the decisions in its log.'),
  maxMeanWeightZ: number(z.number().positive())
    .default(DEFAULTS.promotion.maxMeanWeightZ)
    .describe('Standard errors by which the mean weight may differ from 1.'),
  canaryShare: number(z.number().gt(0).lt(1))
    .default(DEFAULTS.promotion.canaryShare)
    .describe('Share of the traffic that a promotion gives which names none.'),
  unit: z
    .enum(UNITS)
    .default(DEFAULTS.promotion.unit)
    .describe(
      'What a share is a share of, and stays with one policy. A request that names no session or user stands for itself.',
    ),
  followEveryMs: integer(100, 3_600_000)
    .default(DEFAULTS.promotion.followEveryMs)
    .describe('Pause before it is read again what other replicas have promoted, ms.'),
})
export type PromotionConfig = z.output<typeof promotionSection>
