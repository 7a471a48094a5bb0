/**
 * What a map by names that others gave holds under a name. An arm, class or attribute may be called `constructor` or `toString`,
 * under which every plain object has something that nobody put there.
 */
export function ownValue<Value>(map: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined
}
