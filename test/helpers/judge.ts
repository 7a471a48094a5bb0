/** A judge and a metric for tests. */
import type { Judge } from '../../server/index.ts'
import { type Metric, PLAIN_QUALITY } from '../../server/rewards/metric.ts'

/** Of every answer, at any price. */
export const JUDGE: Judge = {
  name: 'j',
  model: 'acme/judge',
  rubric: 'It is true and short.',
  metric: PLAIN_QUALITY,
  share: 1,
  models: undefined,
  maxUsdPerDay: 1_000,
  maxConcurrent: 2,
  ownAnswers: 'skip',
}

/** A metric that is yes or no. */
export const FLAG: Metric = {
  name: 'helpful',
  scale: { kind: 'boolean', optimize: 'max' },
  qualityWeight: 1,
  windowMs: undefined,
  byDefault: undefined,
}
