/** The sections of `highwayman.yaml` about rewards: what answers are judged by, and by whom. */
import { z } from 'zod'
import { DEFAULTS } from './defaults.ts'
import { amount, integer, number, section, share, text } from './schema-parts.ts'

/** `true`, `5` or `good`, as the metric takes it. */
const metricValue = () => z.union([z.boolean(), z.number(), z.string().min(1)])

export const metric = section({
  type: z
    .enum(['boolean', 'float', 'categorical', 'text'])
    .describe('`categorical` is one of a list of labels; `text` is kept and never counted.'),
  min: number().optional().describe('`float`: the smallest value.'),
  max: number().optional().describe('`float`: the largest value.'),
  optimize: z
    .enum(['max', 'min'])
    .default(DEFAULTS.metric.optimize)
    .describe('`float`, `boolean`: which end is good; `min` where lower is better.'),
  values: z
    .record(z.string().min(1).max(256), share())
    .optional()
    .describe('`categorical`: the labels, and what each is worth, 0 to 1.'),
  labels: z
    .array(z.string().min(1).max(256))
    .min(1)
    .optional()
    .describe('`categorical`: the labels where they are only counted.'),
  qualityWeight: amount()
    .optional()
    .describe(
      'Its weight in `quality`, the mean of what the metrics that were told are worth. Default: 0, not part of it; 1 for `quality` itself.',
    ),
  windowHours: number(z.number().positive())
    .optional()
    .describe(
      'What comes to pass later than this after the decision is kept and not learned from. Default: no end.',
    ),
  default: metricValue()
    .optional()
    .describe('Taken when nothing has come within `windowHours`. Default: nothing is.'),
  defaultSource: z
    .enum(['default', 'outcome'])
    .default(DEFAULTS.metric.defaultSource)
    .describe(
      'What the default counts as: `default` only where nobody said anything, `outcome` like an event (no purchase within the window is an answer too).',
    ),
})

/** `empty: true` or `empty: 0.1` is short for a map. */
function signal(worth: number) {
  return z.preprocess(
    (value) => {
      if (value === undefined || value === false || value === 'false') return undefined
      if (value === true || value === null || value === 'true') return {}
      return typeof value === 'number' ? { worth: value } : value
    },
    z
      .strictObject({
        worth: share().default(worth).describe('What an answer is worth on which it fires, 0 to 1.'),
      })
      .optional(),
  )
}

export const signals = section({
  metric: text()
    .default(DEFAULTS.signals.metric)
    .describe('The metric that signals speak about; `boolean` or `float`.'),
  share: share()
    .default(DEFAULTS.signals.share)
    .describe('Share of the answers that are looked at; what passes is noted as well as what does not.'),
  passedWorth: share()
    .default(DEFAULTS.signals.passedWorth)
    .describe('What an answer is worth on which none fires, 0 to 1.'),
  empty: signal(DEFAULTS.signals.worths.empty).describe('No text and no tool call.'),
  refused: signal(DEFAULTS.signals.worths.refused).describe(
    'The model refused, or a content filter ended the answer.',
  ),
  truncated: signal(DEFAULTS.signals.worths.truncated).describe('The answer ran into its token limit.'),
  invalidJson: signal(DEFAULTS.signals.worths.invalidJson).describe(
    'Not the JSON, or not of the JSON Schema, that `response_format` asked for.',
  ),
  invalidToolArguments: signal(DEFAULTS.signals.worths.invalidToolArguments).describe(
    'A tool call whose arguments do not fit the tool’s schema, or of a tool that was not offered.',
  ),
  repeatedQuestion: signal(DEFAULTS.signals.worths.repeatedQuestion).describe(
    'The same question again in the same session: about the answer before.',
  ),
  tryAgain: signal(DEFAULTS.signals.worths.tryAgain).describe(
    'The user asks to try again or says that it was wrong: about the answer before.',
  ),
})

export const judge = section({
  model: text().describe('Who judges: an arm, a virtual model or an alias.'),
  rubric: text().describe('What a good answer is, in your words.'),
  metric: text().default(DEFAULTS.judge.metric).describe('The metric that it gives values of.'),
  share: share()
    .default(DEFAULTS.judge.share)
    .describe('Share of the answers that it judges, drawn by the decision’s id.'),
  models: z
    .array(text())
    .min(1)
    .optional()
    .describe('Only answers to requests for these virtual models. Default: all answers.'),
  maxUsdPerDay: number(z.number().positive())
    .default(DEFAULTS.judge.maxUsdPerDay)
    .describe('What it may cost per UTC day, USD, over all replicas.'),
  maxConcurrent: integer(1, 64)
    .default(DEFAULTS.judge.maxConcurrent)
    .describe('Judgements that run at once, in each replica.'),
  ownAnswers: z
    .enum(['skip', 'mark'])
    .default(DEFAULTS.judge.ownAnswers)
    .describe(
      'Answers of the model that judges: `skip` them, or `mark` the judgement as being of its own (`judge:<name>:own`).',
    ),
})
