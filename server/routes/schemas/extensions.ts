/** Our own part of a request: the `highwayman` field, and the headers that stand in for it. */
import { z } from 'zod'
import { CAPABILITIES } from '../../../engine/index.ts'
import { QUALITY_WEIGHT_MIN, RATE_MAX, RATE_MIN, WEIGHT_MAX } from '../../config/wish-ranges.ts'

const LIST_LENGTH_MAX = 256
const NAME_LENGTH_MAX = 256
export const METADATA_KEYS_MAX = 16

/** The configuration writes `maxCostUsd`, this API `max_cost_usd`; a block copied from there is understood as it is. */
function snakeCased<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.preprocess((value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    const entries = Object.entries(value)
    return Object.fromEntries(
      entries.map(([key, field]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), field]),
    )
  }, z.strictObject(shape))
}

const name = () => z.string().min(1).max(NAME_LENGTH_MAX)
const positive = () => z.number().positive()
const rate = () => z.number().min(RATE_MIN).max(RATE_MAX)
const weight = () => z.number().nonnegative().max(WEIGHT_MAX)

export const preferencesSchema = snakeCased({
  usd_per_quality_point: rate()
    .optional()
    .describe('USD per request that one percentage point of quality is worth.'),
  seconds_per_quality_point: rate()
    .optional()
    .describe('Seconds of waiting that one percentage point of quality is worth.'),
  quality: z
    .number()
    .min(QUALITY_WEIGHT_MIN)
    .max(WEIGHT_MAX)
    .optional()
    .describe('Weight of quality; weights and exchange rates exclude each other.'),
  cost: weight()
    .optional()
    .describe(
      'Weight of cost, measured by what a typical request of the class costs on average over the arms.',
    ),
  latency: weight()
    .optional()
    .describe(
      'Weight of latency, measured by what a typical request of the class takes on average over the arms.',
    ),
  within_quality_points: weight()
    .optional()
    .describe('Quality first: so many points of it at most are given up for the goods of `then_by`.'),
  then_by: z
    .array(z.enum(['cost', 'latency']))
    .min(1)
    .max(2)
    .optional()
    .describe('What decides among the arms within `within_quality_points` of the best.'),
})

const qualityFloorSchema = snakeCased({
  arm: name().describe('The arm to be measured by.'),
  share: z.number().gt(0).max(1).describe('Of that arm’s quality; 0.97 is 97 %.'),
  confidence: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe(
      'Probability that the share is reached, under what is believed. Default: 0.5, means are compared.',
    ),
})

export const constraintsSchema = snakeCased({
  max_cost_usd: positive().optional().describe('Expected cost of the request at most, USD.'),
  max_latency_ms: positive().optional().describe('Expected time to the last token at most, ms.'),
  max_p95_cost_usd: positive().optional().describe('What 95 % of such requests cost at most, USD.'),
  max_p95_latency_ms: positive()
    .optional()
    .describe('What 95 % of such requests take at most to the last token, ms.'),
  quality_floor: qualityFloorSchema
    .optional()
    .describe('Only arms that are believed to be so good as a share of another arm’s quality.'),
  regions: z.array(name()).min(1).max(LIST_LENGTH_MAX).optional().describe('Only arms of these regions.'),
  capabilities: z.array(z.enum(CAPABILITIES)).optional().describe('Only arms with all of these.'),
})

export const extensionsSchema = z.strictObject({
  preferences: preferencesSchema.optional().describe('Replace the tenant’s and the model’s.'),
  constraints: constraintsSchema.optional().describe('Apply besides the tenant’s and the model’s.'),
  allow: z.array(name()).min(1).max(LIST_LENGTH_MAX).optional().describe('Only these arms, by id or tag.'),
  deny: z.array(name()).max(LIST_LENGTH_MAX).optional().describe('Never these arms, by id or tag.'),
  class: name().optional().describe('The request’s class; otherwise inferred from its text.'),
  explore: z.boolean().optional().describe('false: the arm that looks best, nothing is tried out.'),
  session: name().optional().describe('Groups the requests of one conversation or task.'),
  metadata: z
    .record(z.string().min(1).max(64), z.string().max(512))
    .refine((entries) => Object.keys(entries).length <= METADATA_KEYS_MAX, {
      error: `at most ${METADATA_KEYS_MAX} entries`,
    })
    .optional()
    .describe('Kept with the decision and returned with it.'),
})
export type Extensions = z.output<typeof extensionsSchema>
