import { didYouMean } from '../nearest.ts'
import type { Scope } from './scope.ts'

/** Every alias with the arm or virtual model it ends at; aliases of aliases are followed. */
export function buildAliases(
  settings: Readonly<Record<string, string>>,
  virtualModels: ReadonlySet<string>,
  { reporter, names }: Scope,
): ReadonlyMap<string, string> {
  const isTarget = (name: string) => names.arms.has(name) || virtualModels.has(name)
  const targets = new Map(Object.entries(settings))
  const resolved = new Map<string, string>()
  for (const [alias, target] of targets) {
    const path = ['aliases', alias]
    if (isTarget(alias)) {
      reporter.report(
        path,
        'key',
        `is also ${names.arms.has(alias) ? 'the id of an arm' : 'a virtual model'}`,
      )
      continue
    }
    if (!isTarget(target) && !names.aliases.has(target)) {
      const hint = didYouMean(target, [...virtualModels, ...names.aliases, ...names.arms])
      reporter.report(path, 'value', `"${target}" is no arm, virtual model or alias${hint}`)
      continue
    }
    const trail = [alias]
    let end = target
    while (!isTarget(end) && !trail.includes(end)) {
      trail.push(end)
      end = targets.get(end) ?? end
    }
    if (isTarget(end)) resolved.set(alias, end)
    // Each alias of a circle is told once, an alias that leads into one is not; nor one whose end is unknown.
    else if (end === alias) reporter.report(path, 'value', `goes in a circle: ${[...trail, end].join(' → ')}`)
  }
  return resolved
}
