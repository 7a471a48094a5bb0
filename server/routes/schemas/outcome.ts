import { z } from 'zod'
import { REWARD_STATUSES } from '../../rewards/reward-status.ts'

const ATTEMPTS_MAX = 64
const MS_MAX = 24 * 3_600_000
const TOKENS_MAX = 2 ** 31

const tokens = () => z.number().int().min(0).max(TOKENS_MAX).optional()
const milliseconds = () => z.number().min(0).max(MS_MAX)

export const outcomeBodySchema = z
  .strictObject({
    decision_id: z.string().min(1).max(64).describe('Of the answer of `/v1/route`.'),
    attempt: z
      .number()
      .int()
      .min(0)
      .max(ATTEMPTS_MAX - 1)
      .default(0)
      .describe(
        'Which call to the drawn arm this was: 0, 1, … where it was called again. Of one decision and attempt, the first outcome counts.',
      ),
    success: z.boolean().describe('Whether the call gave a whole answer.'),
    total_ms: milliseconds().describe('From the start of the call to the last token, or to its failure.'),
    ttft_ms: milliseconds().optional().describe('To the first token, where the answer was streamed.'),
    prompt_tokens: tokens().describe('Cached ones included.'),
    completion_tokens: tokens().describe('Reasoning included.'),
    cached_tokens: tokens().describe('Of the prompt, read from the provider’s cache.'),
    reasoning_tokens: tokens(),
    cost_usd: z
      .number()
      .min(0)
      .max(1e6)
      .optional()
      .describe('Default: what the tokens cost at the arm’s price, where both counts are given.'),
    finish_reason: z.string().max(64).optional().describe('As the provider said it: `stop`, `length`, …'),
    error: z
      .strictObject({
        code: z.string().min(1).max(128).optional().describe('A short name for what went wrong.'),
        message: z.string().max(4_096).optional(),
        status: z
          .number()
          .int()
          .min(100)
          .max(599)
          .optional()
          .describe('Of HTTP. 400, 413, 422 and 499 are the request’s fault and not held against the arm.'),
        cancelled: z.boolean().optional().describe('You gave it up; not held against the arm.'),
      })
      .optional()
      .describe('Of a call that failed.'),
    quality: z
      .union([z.boolean(), z.number().min(0).max(1)])
      .optional()
      .describe('How good the answer was: as feedback on `quality` with source `outcome`.'),
    ts: z
      .union([z.iso.datetime({ offset: true }), z.number().int().min(0).max(8_640_000_000_000_000)])
      .optional()
      .describe(
        'When the call ended: ISO 8601 or Unix ms. Default: now. Up to five minutes ahead of the server’s clock counts as now; more is refused.',
      ),
  })
  .describe('What came of a call that was made elsewhere, to the arm that `/v1/route` had drawn.')
export type OutcomeBody = z.output<typeof outcomeBodySchema>

export const outcomeReplySchema = z.object({
  status: z
    .enum(['recorded', 'duplicate'])
    .describe('`duplicate`: an outcome of this decision and attempt was there already.'),
  learned: z.boolean().describe('Whether the router’s beliefs about speed, length or success changed by it.'),
  decision_id: z.string(),
  attempt: z.number(),
  arm: z.string(),
  cost_usd: z.number().nullable(),
  quality: z
    .object({ status: z.enum(REWARD_STATUSES), learned: z.boolean() })
    .optional()
    .describe('What became of the quality, where one was given.'),
})
export type OutcomeReply = z.output<typeof outcomeReplySchema>
