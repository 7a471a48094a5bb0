/** What operators ask for: statistics, and that somebody be forgotten. */
import { z } from 'zod'
import { TRAFFIC_KEYS } from '../../../adapters/index.ts'

const HOUR_MS = 3_600_000

const time = z
  .union([
    z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)),
    z.iso.date().transform((text) => Date.parse(text)),
    z.coerce.number().int().min(0).max(8_640_000_000_000_000),
  ])
  .describe('ISO 8601, or Unix ms.')

/** `a,b`, or the parameter several times. */
const list = <T extends z.ZodType<string>>(item: T) =>
  z.preprocess(
    (value) => (value === undefined ? value : [value].flat().flatMap((text) => String(text).split(','))),
    z.array(item).max(100).optional(),
  )

const NO_SPAN = { error: 'must be before `to`', path: ['from'] }
function isSpan({
  from,
  to,
}: {
  readonly from?: number | undefined
  readonly to?: number | undefined
}): boolean {
  return from === undefined || to === undefined || from < to
}

export const BUCKETS = { hour: HOUR_MS, day: 24 * HOUR_MS } as const

export const statsQuerySchema = z
  .strictObject({
    from: time.optional().describe('Beginning; ISO 8601 or Unix ms. Default: a day before `to`.'),
    to: time.optional().describe('End, not included; ISO 8601 or Unix ms. Default: now.'),
    group_by: list(z.enum(TRAFFIC_KEYS)).describe(
      'Any of arm, class, tenant, time, separated by commas. Default: all together.',
    ),
    bucket: z.enum(['hour', 'day']).default('hour').describe('Width of the groups by time, UTC.'),
    arm: list(z.string().min(1)).describe('Only these arms.'),
    class: list(z.string()).describe('Only these classes.'),
    tenant: list(z.string().min(1)).describe('Only these tenants.'),
    baseline: z.string().min(1).optional().describe('An arm to compare costs with.'),
  })
  .refine(isSpan, NO_SPAN)
export type StatsQuery = z.output<typeof statsQuerySchema>

export const logQuerySchema = z
  .strictObject({
    from: time.optional().describe('Decisions from here on; ISO 8601 or Unix ms. Default: all.'),
    to: time.optional().describe('Decisions before this; ISO 8601 or Unix ms. Default: now.'),
    tenant: z.string().min(1).optional().describe('Of one tenant only.'),
  })
  .refine(isSpan, NO_SPAN)

const quantiles = z.object({ p50: z.number(), p90: z.number(), p95: z.number(), p99: z.number() }).nullable()

export const statsReplySchema = z.object({
  object: z.literal('stats'),
  from_ms: z.number(),
  to_ms: z.number(),
  group_by: z.array(z.enum(TRAFFIC_KEYS)),
  groups: z.array(
    z.object({
      arm: z.string().optional(),
      class: z.string().optional(),
      tenant: z.string().optional(),
      from_ms: z.number().optional(),
      decisions: z.number(),
      share: z
        .number()
        .describe('Of the decisions of the same class, tenant and time where grouped by arm; else of all.'),
      answered: z.number(),
      failed: z.number(),
      cancelled: z.number(),
      cost_usd: z.number(),
      prompt_tokens: z.number(),
      completion_tokens: z.number(),
      ttft_ms: quantiles.describe('Of answered streams.'),
      total_ms: quantiles.describe('Of answered calls.'),
      rated: z.number().describe('Decisions with a quality value.'),
      quality: z.number().nullable().describe('Mean of their latest values, 0 to 1.'),
      baseline: z
        .object({
          arm: z.string(),
          decisions: z
            .number()
            .describe(
              'Calls with a cost, of decisions that could have gone to the baseline: what the rest is about.',
            ),
          cost_usd: z.number().describe('What they would have cost there, by the estimates of their time.'),
          actual_cost_usd: z.number(),
          estimated_cost_usd: z
            .number()
            .describe(
              'What they were estimated to cost where they went: beside the actual cost, what estimates are worth.',
            ),
          saving_usd: z.number(),
          quality: z.number().nullable().describe('Mean quality expected there, 0 to 1.'),
          estimated_quality: z.number().nullable().describe('Mean quality expected where they went, 0 to 1.'),
        })
        .optional(),
    }),
  ),
})
export type StatsReply = z.output<typeof statsReplySchema>

export const eraseBodySchema = z
  .strictObject({
    tenant: z.string().min(1).max(256).describe('Whose rows; `default` where no tenants are configured.'),
    user: z
      .string()
      .min(1)
      .max(4_096)
      .optional()
      .describe(
        'Only those of this `safety_identifier` or `user`, as its requests named it. Default: all of the tenant.',
      ),
  })
  .describe('Whom to forget.')
export type EraseBody = z.output<typeof eraseBodySchema>

export const eraseReplySchema = z.object({
  object: z.literal('erasure'),
  decisions: z.number(),
  rows: z.record(z.string(), z.number()).describe('By table.'),
})
