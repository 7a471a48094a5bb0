/** How long rows are kept, and whether the text of requests is. */
import type { Retention } from '../../../adapters/index.ts'
import { problemOf } from '../../privacy/redact.ts'
import type { PromptSettings } from '../../registry.ts'
import type { Config } from '../schema.ts'
import type { Scope } from './scope.ts'

export function buildRetention({ store }: Config, { reporter }: Scope): Retention | undefined {
  const { decisionsDays, attemptsDays, rewardsDays, observationsDays, posteriorDays } = store.retention
  if (posteriorDays !== undefined && posteriorDays < (observationsDays ?? Number.POSITIVE_INFINITY)) {
    reporter.report(
      ['store', 'retention', 'posteriorDays'],
      'value',
      'must not be less than observationsDays: sums are checked against the observations that are there',
    )
  }
  const days = {
    decisions: decisionsDays,
    // Who took part in an experiment is part of a decision.
    assignments: decisionsDays,
    attempts: attemptsDays,
    rewards: rewardsDays,
    observations: observationsDays,
    posterior: posteriorDays,
    prompts: store.prompts.enabled ? store.prompts.retentionDays : undefined,
  }
  const said = Object.entries(days).filter(([, limit]) => limit !== undefined)
  return said.length === 0 ? undefined : Object.fromEntries(said)
}

export function buildPrompts({ store }: Config, { reporter }: Scope): PromptSettings | undefined {
  const { enabled, maxChars, redact, patterns } = store.prompts
  for (const [index, { regex }] of patterns.entries()) {
    const problem = problemOf(regex)
    if (problem !== undefined)
      reporter.report(['store', 'prompts', 'patterns', index, 'regex'], 'value', problem)
  }
  return enabled ? { maxChars, redact, patterns } : undefined
}
