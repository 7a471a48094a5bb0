import { z } from 'zod'
import { REWARD_STATUSES } from '../../rewards/reward-status.ts'

export const feedbackBodySchema = z
  .strictObject({
    decision_id: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .describe('`x-highwayman-decision-id` of the answer, or the `id` of the completion.'),
    session: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('Instead of a decision: all answers of this session, as given in `highwayman.session`.'),
    apply_to: z
      .enum(['all', 'last'])
      .optional()
      .describe('Of a session: every answer, or the last one only. Default: all.'),
    metric: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 letters, digits, ".", "_" or "-"')
      .describe(
        '`quality`, or a name from `metrics` of the configuration; while none are declared, any name, kept for reports.',
      ),
    value: z
      .union([z.boolean(), z.number(), z.string().max(4_096), z.null()])
      .describe(
        'As the metric is declared; for `quality` true, false or a number from 0 to 1. null takes back what this source said last.',
      ),
    idempotency_key: z
      .string()
      .min(1)
      .max(256)
      // Ids are made of it, and what is stored of others would be one and the same.
      .refine((key) => key.isWellFormed(), 'must be well-formed Unicode, without half a surrogate pair')
      .optional()
      .describe('The same key twice for one decision and metric counts once.'),
    source: z
      .string()
      .max(256)
      .optional()
      .describe(
        'Who judged: `user`, `outcome`, `judge` or `heuristic`, and after a colon which (`judge:gpt-x`). A user’s or outcome’s word counts before a judge’s, a judge’s before a heuristic’s. Default, and for other names: `user`.',
      ),
    ts: z
      .union([z.iso.datetime({ offset: true }), z.number().int().min(0).max(8_640_000_000_000_000)])
      .optional()
      .describe('When: ISO 8601 or Unix ms. Default: now.'),
  })
  .check((context) => {
    const { decision_id, session, apply_to } = context.value
    const refuse = (field: string, message: string) =>
      context.issues.push({ code: 'custom', path: [field], message, input: context.value })
    if (decision_id === undefined && session === undefined) {
      refuse('decision_id', 'required, or session in its place')
    }
    if (decision_id !== undefined && session !== undefined) refuse('session', 'excludes decision_id')
    if (session === undefined && apply_to !== undefined) refuse('apply_to', 'needs session')
  })
  .describe(
    'One feedback value on one decision, or on the answers of a session. A second value of the same metric and kind of source replaces the first.',
  )
export type FeedbackBody = z.output<typeof feedbackBodySchema>

export const feedbackReplySchema = z.object({
  status: z
    .enum(REWARD_STATUSES)
    .describe(
      '`revised`: it replaced an earlier value; `retracted`: it took one back; `duplicate`: its idempotency key was known; `late`: kept, but outside the metric’s window.',
    ),
  learned: z.boolean().describe('Whether the router’s beliefs changed by it.'),
  decision_id: z.string().optional(),
  session: z.string().optional(),
  metric: z.string(),
  decisions: z
    .array(z.object({ decision_id: z.string(), status: z.enum(REWARD_STATUSES), learned: z.boolean() }))
    .optional()
    .describe('Of a session: what became of the value for each answer, the oldest first.'),
})
export type FeedbackReply = z.output<typeof feedbackReplySchema>
