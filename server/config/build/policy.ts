import type { ArmId, PolicyName, PolicySpec } from '../../../engine/index.ts'
import { DEFAULTS } from '../defaults.ts'
import { didYouMean } from '../nearest.ts'
import type { PolicySettings } from '../schema.ts'
import type { Path } from '../yaml.ts'
import { compact, type Scope } from './scope.ts'

type Parameter = Exclude<keyof PolicySettings, 'name'>

/** Which settings each policy takes, and whether it can do without. */
const PARAMETERS = {
  thompson: { exploration: 'optional' },
  linucb: { alpha: 'optional' },
  squarecb: { gammaScale: 'optional', gammaExponent: 'optional' },
  'information-directed': {},
  'epsilon-greedy': { epsilon: 'optional' },
  softmax: { temperature: 'optional' },
  fixed: { arm: 'required' },
  priority: { order: 'required' },
  weighted: { weights: 'required' },
  'round-robin': {},
  cheapest: {},
  fastest: {},
  'least-busy': {},
} as const satisfies Record<PolicyName, Partial<Record<Parameter, 'required' | 'optional'>>>

export const POLICY_NAMES = Object.keys(PARAMETERS) as readonly PolicyName[]

export function isPolicyName(name: string): name is PolicyName {
  return Object.hasOwn(PARAMETERS, name)
}

/** Policies that find out which arm to take; the others are told, in so many words or as a rule. */
const LEARNING: readonly PolicyName[] = [
  'thompson',
  'linucb',
  'squarecb',
  'information-directed',
  'epsilon-greedy',
  'softmax',
]

export function isStatic({ name }: PolicySpec): boolean {
  return !LEARNING.includes(name)
}

/** Arms that the settings speak of, each with its place. */
export function armsOfPolicy(settings: PolicySettings, path: Path): readonly { arm: string; path: Path }[] {
  return [
    ...(settings.arm === undefined ? [] : [{ arm: settings.arm, path: [...path, 'arm'] }]),
    ...(settings.order ?? []).map((arm, index) => ({ arm, path: [...path, 'order', index] })),
    ...Object.keys(settings.weights ?? {}).map((arm) => ({ arm, path: [...path, 'weights', arm] })),
  ]
}

/** The policy that the settings at `path` describe; undefined after a problem was reported. */
export function buildPolicy(settings: PolicySettings, path: Path, scope: Scope): PolicySpec | undefined {
  const { name } = settings
  if (!isPolicyName(name)) {
    reportUnknownPolicy(name, POLICY_NAMES, path, scope)
    return undefined
  }
  return parametersFit(name, settings, path, scope) ? specOf(name, settings) : undefined
}

/** Reports the arms that the settings name and nobody declares. */
export function reportUnknownArms(settings: PolicySettings, path: Path, { reporter, names }: Scope): void {
  for (const { arm, path: at } of armsOfPolicy(settings, path)) {
    if (names.arms.has(arm)) continue
    const part = at.at(-2) === 'weights' ? 'key' : 'value'
    reporter.report(at, part, `unknown arm "${arm}"${didYouMean(arm, names.arms)}`)
  }
}

/** At the name, also where the whole policy is written as its name. */
export function reportUnknownPolicy(
  name: string,
  known: Iterable<string>,
  path: Path,
  { reporter }: Scope,
): void {
  const all = [...new Set(known)]
  const at = reporter.has([...path, 'name']) ? [...path, 'name'] : path
  const hint = didYouMean(name, all) || `; known are ${all.join(', ')}`
  reporter.report(at, 'value', `unknown policy "${name}"${hint}`)
}

function parametersFit(name: PolicyName, settings: PolicySettings, path: Path, { reporter }: Scope): boolean {
  const taken: Partial<Record<Parameter, string>> = PARAMETERS[name]
  let fit = true
  const refuse = (at: Path, part: 'key' | 'value', message: string): void => {
    fit = false
    reporter.report(at, part, message)
  }
  for (const parameter of Object.keys(settings) as (keyof PolicySettings)[]) {
    if (parameter === 'name' || settings[parameter] === undefined || parameter in taken) continue
    const owner = POLICY_NAMES.find((policy) => parameter in PARAMETERS[policy])
    refuse([...path, parameter], 'key', `"${parameter}" is a setting of ${owner}, not of ${name}`)
  }
  for (const parameter of Object.keys(taken) as Parameter[]) {
    if (taken[parameter] === 'required' && settings[parameter] === undefined) {
      refuse(path, 'key', `policy ${name} needs "${parameter}"`)
    }
  }
  const weights = Object.values(settings.weights ?? {})
  if (fit && settings.weights !== undefined && !weights.some((weight) => weight > 0)) {
    refuse([...path, 'weights'], 'key', 'at least one weight must be above 0')
  }
  return fit
}

/** `settings` has what the policy requires. */
function specOf(name: PolicyName, { epsilon, arm, order, weights, ...numbers }: PolicySettings): PolicySpec {
  const { exploration, alpha, gammaScale, gammaExponent, temperature } = numbers
  switch (name) {
    case 'thompson':
      return { name, ...compact({ exploration }) }
    case 'linucb':
      return { name, ...compact({ alpha }) }
    case 'squarecb':
      return { name, ...compact({ gammaScale, gammaExponent }) }
    case 'epsilon-greedy':
      return { name, epsilon: epsilon ?? DEFAULTS.policy.epsilon }
    case 'softmax':
      return { name, ...compact({ temperature }) }
    case 'fixed':
      return { name, arm: (arm ?? '') as ArmId }
    case 'priority':
      return { name, order: (order ?? []) as ArmId[] }
    case 'weighted':
      return { name, weights: weights ?? {} }
    case 'information-directed':
    case 'round-robin':
    case 'cheapest':
    case 'fastest':
    case 'least-busy':
      return { name }
  }
}
