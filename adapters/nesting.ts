/** How deep JSON may be. */

/**
 * Objects and lists within each other. What writes JSON is recursive and gives up at some thousands, in the middle of a
 * request or an answer; nothing that is meant for a model, or comes from one, is near this.
 */
export const NESTING_MAX = 1_000
/** As deep as that takes so many brackets. */
const DEEP_CHARS_MIN = 2 * NESTING_MAX

/** @param text what `value` was parsed from: short ones need no look */
export function isNestedTooDeeply(text: string, value: unknown): boolean {
  if (text.length < DEEP_CHARS_MIN) return false
  let level = [value].filter(isNest)
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === NESTING_MAX) return true
    const next: object[] = []
    for (const nest of level) {
      for (const inner of Array.isArray(nest) ? nest : Object.values(nest))
        if (isNest(inner)) next.push(inner)
    }
    level = next
  }
  return false
}

function isNest(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
