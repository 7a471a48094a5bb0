/** A judge for tests: of every answer, at any price. */
import type { Judge } from '../../server/index.ts'
import { PLAIN_QUALITY } from '../../server/rewards/metric.ts'

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
