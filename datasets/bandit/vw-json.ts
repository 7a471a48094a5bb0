/**
 * Features in the JSON of Vowpal Wabbit: objects are namespaces, numbers are values, texts are categories, `true` is 1. What is
 * `false`, 0 or null is not there. Names that begin with `_` are not features, but for the words of `_text`.
 *
 * @see https://github.com/VowpalWabbit/vowpal_wabbit/wiki/JSON
 */
import { byNamespace, featureName } from './features.ts'
import type { BanditFeatures } from './row.ts'

/** Objects within objects are namespaces called `outer.inner`; what lies deeper than any sane context is left out. */
const DEPTH_MAX = 20

export function featuresOfJson(example: Readonly<Record<string, unknown>>): BanditFeatures {
  const features = new Map<string, number | string>()
  addObject(features, '', example, 0)
  return features
}

function addObject(
  features: Map<string, number | string>,
  space: string,
  object: Readonly<Record<string, unknown>>,
  depth: number,
): void {
  for (const [name, value] of Object.entries(object)) {
    if (name === '_text' && typeof value === 'string') {
      for (const word of value.split(/\s+/).filter(Boolean)) features.set(featureName(space, word), 1)
    }
    if (!name.startsWith('_')) addValue(features, space, name, value, depth)
  }
}

function addValue(
  features: Map<string, number | string>,
  space: string,
  name: string,
  value: unknown,
  depth: number,
): void {
  if (typeof value === 'string') features.set(featureName(space, name), value)
  else if (typeof value === 'number') {
    if (value !== 0) features.set(featureName(space, name), value)
  } else if (value === true) features.set(featureName(space, name), 1)
  else if (typeof value === 'object' && value !== null && depth < DEPTH_MAX) {
    const inner = space === '' ? name : `${space}.${name}`
    if (!Array.isArray(value)) {
      addObject(features, inner, value as Readonly<Record<string, unknown>>, depth + 1)
      return
    }
    for (const [i, item] of value.entries()) {
      // Objects of a list share its namespace; numbers are called by their place.
      if (typeof item === 'object' && item !== null && !Array.isArray(item)) {
        addObject(features, inner, item as Readonly<Record<string, unknown>>, depth + 1)
      } else addValue(features, inner, String(i), item, depth + 1)
    }
  }
}

export function featuresToJson(features: BanditFeatures): Record<string, unknown> {
  const json: [string, unknown][] = []
  for (const [space, names] of byNamespace(features)) {
    if (space === '') json.push(...names)
    else json.push([space, Object.fromEntries(names)])
  }
  return Object.fromEntries(json)
}

/** The `id` or `tag` that an action has in itself or one of its namespaces. */
export function nameOfAction(action: Readonly<Record<string, unknown>>): string | undefined {
  for (const part of [action, ...Object.values(action)]) {
    if (typeof part !== 'object' || part === null) continue
    const { id, tag, _tag = tag } = part as Readonly<Record<string, unknown>>
    const name = id ?? _tag
    if (typeof name === 'string' && name !== '') return name
  }
  return undefined
}

/** Ids for actions: their names, with `#2`, `#3`, … where one is taken already; `action/<number>` without a name. */
export function actionIds(names: readonly (string | undefined)[]): readonly string[] {
  const taken = new Set<string>()
  return names.map((name, i) => {
    const wanted = name ?? `action/${i + 1}`
    let id = wanted
    for (let k = 2; taken.has(id); k++) id = `${wanted}#${k}`
    taken.add(id)
    return id
  })
}
