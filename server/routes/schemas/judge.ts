import { z } from 'zod'

const number = z.number().nullable()

export const judgeListSchema = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      object: z.literal('judge'),
      name: z.string(),
      model: z.string(),
      metric: z.string(),
      share: z.number().describe('Of the answers that it judges.'),
      own_answers: z.enum(['skip', 'mark']),
      max_usd_per_day: z.number(),
      spent_usd_today: z
        .number()
        .describe('Since midnight UTC, as far as this replica knows; what is reserved included.'),
      waiting: z.number(),
      running: z.number(),
      results: z
        .record(z.string(), z.number())
        .describe('Since the start of this replica, by what became of the answers drawn.'),
      agreement: z
        .object({
          n: z.number().describe('Answers of yours that both it and a user or an outcome have judged.'),
          mean_difference: z
            .object({ mean: z.number(), lo: z.number(), hi: z.number() })
            .nullable()
            .describe('Judge minus human on the scale from 0 to 1, with a 95 % interval; null below two.'),
          correlation: number.describe('Pearson’s; null where one of them always says the same.'),
          agreeing: number.describe(
            'Share of answers with the same label: the metric’s, or good (from 0.5 on) and bad.',
          ),
          kappa: number.describe(
            'Cohen’s: agreement beyond chance; null where chance alone makes them agree.',
          ),
        })
        .describe('Over the last 30 days, the latest 10,000 answers that it has judged.'),
    }),
  ),
})
export type JudgeListReply = z.output<typeof judgeListSchema>
