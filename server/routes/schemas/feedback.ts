import { z } from 'zod'

export const feedbackBodySchema = z
  .strictObject({
    decision_id: z
      .string()
      .min(1)
      .max(64)
      .describe('`x-highwayman-decision-id` of the answer, or the `id` of the completion.'),
    metric: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 letters, digits, ".", "_" or "-"')
      .describe('`quality` is learned from; every other name is kept for reports.'),
    value: z
      .union([z.boolean(), z.number(), z.string().max(4_096), z.null()])
      .describe('For `quality`: true, false or a number from 0 to 1. null takes the last value back.'),
    idempotency_key: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('The same key twice for one decision and metric counts once.'),
    source: z.string().max(256).optional().describe('Who judged: `user`, `judge:gpt-x`, `unit-tests`, …'),
    ts: z
      .union([z.iso.datetime({ offset: true }), z.number().int().min(0).max(8_640_000_000_000_000)])
      .optional()
      .describe('When: ISO 8601 or Unix ms. Default: now.'),
  })
  .describe('One feedback value on one decision. A second value for the same metric replaces the first.')
export type FeedbackBody = z.output<typeof feedbackBodySchema>

export const feedbackReplySchema = z.object({
  status: z
    .enum(['recorded', 'revised', 'retracted', 'duplicate'])
    .describe(
      '`revised`: it replaced an earlier value; `retracted`: it took one back; `duplicate`: its idempotency key was known.',
    ),
  learned: z.boolean().describe('Whether the router’s beliefs changed by it.'),
  decision_id: z.string(),
  metric: z.string(),
})
export type FeedbackReply = z.output<typeof feedbackReplySchema>
