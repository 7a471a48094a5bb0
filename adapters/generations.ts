/**
 * A map of the entries used last, in two generations: when the young one is full it becomes the old one, and what was not used
 * since it was young itself is forgotten. Holds at most twice as many as it keeps at least.
 */
export class Generations<Key, Value> {
  readonly #entries: number
  readonly #keyToKeep: (key: Key) => Key
  #young = new Map<Key, Value>()
  #old = new Map<Key, Value>()

  /**
   * @param entries kept at least
   * @param keyToKeep what is kept of a key; a slice of a string, for one, would keep the whole string alive
   */
  constructor(entries: number, keyToKeep: (key: Key) => Key = (key) => key) {
    this.#entries = entries
    this.#keyToKeep = keyToKeep
  }

  /** Counts as a use. */
  get(key: Key): Value | undefined {
    const value = this.#young.get(key)
    if (value !== undefined) return value
    const older = this.#old.get(key)
    if (older !== undefined) this.set(key, older)
    return older
  }

  delete(key: Key): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  /** Every entry once, with its newest value. What is deleted meanwhile may be told or not. */
  *entries(): Generator<[Key, Value]> {
    yield* this.#young
    for (const entry of this.#old) if (!this.#young.has(entry[0])) yield entry
  }

  set(key: Key, value: Value): void {
    if (this.#young.size >= this.#entries && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(this.#keyToKeep(key), value)
  }
}
