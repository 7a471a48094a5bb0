import type { ArmId, ConservativeTerms, PolicySpec } from '../../../engine/index.ts'
import type { VirtualModel } from '../../registry.ts'
import { DEFAULTS } from '../defaults.ts'
import { didYouMean } from '../nearest.ts'
import type { ModelSettings, PolicySettings } from '../schema.ts'
import type { Path } from '../yaml.ts'
import { buildConstraints } from './constraints.ts'
import type { ModelStart } from './default-models.ts'
import {
  armsOfPolicy,
  buildPolicy,
  isPolicyName,
  isStatic,
  POLICY_NAMES,
  reportUnknownArms,
  reportUnknownPolicy,
} from './policy.ts'
import { buildPreferences } from './preferences.ts'
import { compact, type Scope } from './scope.ts'

const DEFAULT_WEIGHTS = { kind: 'weights', ...DEFAULTS.model.preferences } as const

/** What a name of `policies` stands for; undefined when it is wrong in itself. */
export type NamedPolicies = ReadonlyMap<string, { settings: PolicySettings; spec: PolicySpec } | undefined>

/** A virtual model, as far as it makes sense: what does not is reported. */
export function buildModel(
  name: string,
  settings: ModelSettings,
  policies: NamedPolicies,
  start: ModelStart,
  scope: Scope,
): VirtualModel {
  const path = ['models', name]
  if (scope.names.arms.has(name)) {
    scope.reporter.report(path, 'key', 'is also the id of an arm; callers could not tell which they get')
  }
  const ids = modelArms(path, settings, scope)
  const policy = modelPolicy(path, settings, ids, policies, start, scope)
  return {
    name,
    arms: ids,
    policy,
    preferences: buildPreferences(settings.preferences, [...path, 'preferences'], scope) ?? DEFAULT_WEIGHTS,
    constraints: buildConstraints(settings.constraints, [...path, 'constraints'], scope),
    floor: settings.floor ?? (isStatic(policy) ? DEFAULTS.model.staticPolicyFloor : start.floor),
    switchMargin: settings.switchMargin,
    explore: settings.explore,
    ...(settings.conservative !== undefined && {
      conservative: modelConservative(path, settings.conservative, ids, scope),
    }),
  }
}

/** The listed arms in their order, then those that only a tag brings in. */
function modelArms(path: Path, settings: ModelSettings, { reporter, names }: Scope): readonly ArmId[] {
  if (settings.arms === undefined && settings.tags === undefined) return [...names.arms] as ArmId[]
  const chosen = new Set<string>()
  for (const [index, id] of (settings.arms ?? []).entries()) {
    const at = [...path, 'arms', index]
    if (!names.arms.has(id)) reporter.report(at, 'value', `unknown arm "${id}"${didYouMean(id, names.arms)}`)
    if (chosen.has(id)) reporter.report(at, 'value', `arm "${id}" is listed twice`)
    chosen.add(id)
  }
  for (const [index, tag] of (settings.tags ?? []).entries()) {
    const tagged = names.armsByTag.get(tag)
    if (tagged === undefined) {
      const hint = didYouMean(tag, names.armsByTag.keys())
      reporter.report([...path, 'tags', index], 'value', `no arm has the tag "${tag}"${hint}`)
    }
    for (const id of tagged ?? []) chosen.add(id)
  }
  return [...chosen] as ArmId[]
}

function modelPolicy(
  path: Path,
  settings: ModelSettings,
  ids: readonly ArmId[],
  policies: NamedPolicies,
  start: ModelStart,
  scope: Scope,
): PolicySpec {
  const fallback = start.policy
  const at = [...path, 'policy']
  if (settings.policy === undefined) return fallback
  const { name, ...parameters } = settings.policy
  if (isPolicyName(name)) {
    const spec = buildPolicy(settings.policy, at, scope)
    reportUnknownArms(settings.policy, at, scope)
    for (const { arm, path: place } of armsOfPolicy(settings.policy, at))
      reportForeignArm(arm, place, ids, scope)
    return spec ?? fallback
  }
  if (!scope.names.policies.has(name)) {
    reportUnknownPolicy(name, [...POLICY_NAMES, ...scope.names.policies], at, scope)
    return fallback
  }
  if (Object.values(parameters).some((parameter) => parameter !== undefined)) {
    scope.reporter.report(at, 'key', `"${name}" has its settings under policies; write policy: ${name}`)
  }
  const named = policies.get(name)
  if (named === undefined) return fallback
  for (const { arm } of armsOfPolicy(named.settings, [])) reportForeignArm(arm, at, ids, scope)
  return named.spec
}

function modelConservative(
  path: Path,
  settings: NonNullable<ModelSettings['conservative']>,
  ids: readonly ArmId[],
  { reporter, names }: Scope,
): ConservativeTerms {
  const { baseline, ...terms } = settings
  const at = [...path, 'conservative', 'baseline']
  if (!names.arms.has(baseline)) {
    reporter.report(at, 'value', `unknown arm "${baseline}"${didYouMean(baseline, names.arms)}`)
  } else if (!ids.includes(baseline as ArmId)) {
    reporter.report(at, 'value', `arm "${baseline}" is not among the model's arms, so nothing can go to it`)
  }
  return { baseline: baseline as ArmId, ...compact(terms) }
}

function reportForeignArm(arm: string, at: Path, ids: readonly string[], { reporter, names }: Scope): void {
  if (names.arms.has(arm) && !ids.includes(arm)) {
    reporter.report(at, 'value', `the policy names arm "${arm}", which is not among the model's arms`)
  }
}
