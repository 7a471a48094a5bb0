import type { Judge } from '../../registry.ts'
import type { Metrics } from '../../rewards/metric.ts'
import { didYouMean } from '../nearest.ts'
import type { Config } from '../schema.ts'
import { knownMetric } from './metrics.ts'
import type { Scope } from './scope.ts'

/** @param callable names of arms, virtual models and aliases */
export function buildJudges(
  settings: Config['judges'],
  metrics: Metrics,
  callable: ReadonlySet<string>,
  scope: Scope,
): readonly Judge[] {
  return Object.entries(settings).flatMap(([name, { models, ...each }]) => {
    const path = ['judges', name]
    if (!callable.has(each.model)) {
      const hint = didYouMean(each.model, callable)
      scope.reporter.report([...path, 'model'], 'value', `no arm, model or alias "${each.model}"${hint}`)
    }
    for (const [index, model] of (models ?? []).entries()) {
      if (callable.has(model)) continue
      const hint = didYouMean(model, callable)
      scope.reporter.report([...path, 'models', index], 'value', `no arm, model or alias "${model}"${hint}`)
    }
    const metric = knownMetric(each.metric, metrics, [...path, 'metric'], scope)
    if (metric?.scale.kind === 'text') {
      scope.reporter.report([...path, 'metric'], 'value', `metric "${each.metric}" is text: nothing to judge`)
    }
    if (metric === undefined) return []
    return [{ ...each, name, metric, models: models && new Set(models) }]
  })
}
