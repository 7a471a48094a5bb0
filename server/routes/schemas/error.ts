import { z } from 'zod'
import { exclusionSchema } from './decision.ts'

export const errorSchema = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      code: z.string(),
      param: z.string().nullable(),
      decision_id: z.string().optional(),
      attempts: z
        .array(
          z.object({
            arm: z.string(),
            status: z.number().nullable(),
            code: z.string(),
            message: z.string(),
          }),
        )
        .optional(),
      exclusions: z.array(exclusionSchema).optional(),
      reasons: z
        .array(z.object({ code: z.string(), message: z.string() }))
        .optional()
        .describe('Why the promotion gate refused.'),
    }),
  })
  .describe('OpenAI’s error object; `attempts` has every upstream call that failed.')
