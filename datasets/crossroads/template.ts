/**
 * Prompts from templates. `[[slot]]` becomes one of the slot's values, a new one each time while there are any;
 * `[[slot:label]]` becomes the same value wherever slot and label are the same; `[[int:2..9]]` a whole number.
 */
import type { RandomStream } from '../random.ts'

/** One kind of request within a class. */
export interface Family {
  /** `<class>/<kind>`: the row's `task`. */
  readonly task: string
  write(random: RandomStream): string
}

export type Slots = Readonly<Record<string, readonly string[]>>

const SLOT = /\[\[(?:int:(\d+)\.\.(\d+)|([a-z_]+)(?::([a-z]+))?)\]\]/g
/** Slot values may hold slots themselves; a cycle among them stops here. */
const MAX_DEPTH = 6

export function family(task: string, templates: readonly string[], slots: Slots): Family {
  return { task, write: (random) => fill(random.pick(templates), slots, random) }
}

/** @throws {RangeError} for a slot that has no values, or that contains itself */
export function fill(template: string, slots: Slots, random: RandomStream): string {
  const used = new Map<string, Set<string>>()
  const labelled = new Map<string, string>()

  const pickUnused = (slot: string): string => {
    const values = slots[slot]
    if (values === undefined) throw new RangeError(`no values for [[${slot}]] in ${JSON.stringify(template)}`)
    const earlier = used.get(slot)
    const taken = earlier === undefined || earlier.size >= values.length ? new Set<string>() : earlier
    used.set(slot, taken)
    const value = random.pick(values.filter((candidate) => !taken.has(candidate)))
    taken.add(value)
    return value
  }
  const expand = (text: string, depth: number): string => {
    if (depth > MAX_DEPTH)
      throw new RangeError(`slots nest deeper than ${MAX_DEPTH} in ${JSON.stringify(template)}`)
    return text.replace(SLOT, (_, low?: string, high?: string, slot = '', label?: string) => {
      if (low !== undefined) return String(Number(low) + random.index(Number(high) - Number(low) + 1))
      if (label === undefined) return expand(pickUnused(slot), depth + 1)
      const key = `${slot}:${label}`
      const value = labelled.get(key) ?? expand(pickUnused(slot), depth + 1)
      labelled.set(key, value)
      return value
    })
  }
  return expand(template, 0)
}
