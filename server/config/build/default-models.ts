import type { ArmId, PolicyFile, Preferences } from '../../../engine/index.ts'
import type { VirtualModel } from '../../registry.ts'
import { DEFAULTS } from '../defaults.ts'

/** Relative importance of the goods; all arms, all learning. */
const WEIGHTS: Readonly<Record<string, Omit<Extract<Preferences, { kind: 'weights' }>, 'kind'>>> = {
  auto: DEFAULTS.model.preferences,
  'auto/fast': { quality: 1, cost: 0.05, latency: 0.5 },
  'auto/cheap': { quality: 1, cost: 0.5, latency: 0.05 },
  'auto/best': { quality: 1, cost: 0, latency: 0 },
}

/** What a model that says nothing is given. */
export type ModelStart = Pick<VirtualModel, 'policy' | 'floor'>

/** A policy file's, else the built-in ones. */
export function defaultStart(file: PolicyFile | undefined): ModelStart {
  return file === undefined
    ? { policy: { name: DEFAULTS.model.policy }, floor: DEFAULTS.model.floor }
    : { policy: file.policy, floor: file.hyperparameters.floor }
}

/** The virtual models of a configuration that has none of its own. */
export function defaultModels(
  arms: readonly ArmId[],
  start: ModelStart = defaultStart(undefined),
): Map<string, VirtualModel> {
  return new Map(
    Object.entries(WEIGHTS).map(([name, weights]) => [
      name,
      {
        name,
        arms,
        preferences: { kind: 'weights', ...weights },
        constraints: {},
        ...start,
        switchMargin: DEFAULTS.model.switchMargin,
        explore: DEFAULTS.model.explore,
      },
    ]),
  )
}
