import { DEFAULT_GATE_RULES } from '../../eval/gate/index.ts'
import { DEFAULTS } from '../config/defaults.ts'
import type { PromotionSettings, Registry } from '../registry.ts'

const { canaryShare, unit, followEveryMs } = DEFAULTS.promotion

export const DEFAULT_PROMOTION: PromotionSettings = {
  rules: DEFAULT_GATE_RULES,
  canaryShare,
  unit,
  followEveryMs,
}

/** How policies are promoted here; a registry that says nothing of it has the defaults. */
export function promotionOf({
  promotion = DEFAULT_PROMOTION,
}: Pick<Registry, 'promotion'>): PromotionSettings {
  return promotion
}
