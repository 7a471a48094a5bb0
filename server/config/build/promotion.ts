import { type Guardrail, VALUES } from '../../../eval/gate/index.ts'
import { DEFAULT_PROMOTION } from '../../policies/settings.ts'
import type { PromotionSettings } from '../../registry.ts'
import { didYouMean } from '../nearest.ts'
import type { PromotionConfig } from '../schema-promotion.ts'
import type { Scope } from './scope.ts'

const DAY_MS = 86_400_000

export function buildPromotion(config: PromotionConfig, scope: Scope): PromotionSettings {
  const { objective, maxAgeDays, minEss, minEssShare, maxMeanWeightZ, guardrails, ...rest } = config
  return {
    ...rest,
    rules: {
      objective,
      maxAgeMs: maxAgeDays * DAY_MS,
      minEss,
      minEssShare,
      maxMeanWeightZ,
      guardrails:
        guardrails === undefined ? DEFAULT_PROMOTION.rules.guardrails : buildGuardrails(guardrails, scope),
    },
  }
}

function buildGuardrails(
  guardrails: NonNullable<PromotionConfig['guardrails']>,
  { reporter }: Scope,
): readonly Guardrail[] {
  return Object.entries(guardrails).flatMap(([name, { worseBy, worseByShare }]): Guardrail[] => {
    const path = ['promotion', 'guardrails', name]
    const value = VALUES.find((known) => known === name)
    if (value === undefined) {
      const hint = didYouMean(name, VALUES) || `; known are ${VALUES.join(', ')}`
      reporter.report(path, 'key', `no evaluation has a value "${name}"${hint}`)
      return []
    }
    if (worseBy !== undefined && worseByShare === undefined) return [{ value, worseBy }]
    if (worseByShare !== undefined && worseBy === undefined) return [{ value, worseByShare }]
    reporter.report(path, 'key', 'needs one of worseBy and worseByShare')
    return []
  })
}
