/** A map from texts to small numbers that keeps 96 bits of each text's SHA-256 instead of the text: about 32 bytes an entry. */
import { hash } from 'node:crypto'

/** Three words of the hash and the value. */
const SLOT_WORDS = 4
const FULLEST = 0.6

export class Fingerprints {
  /** Open addressing; a slot whose value is 0 is free, so values are kept plus 1. */
  #slots = new Uint32Array(1024 * SLOT_WORDS)
  #size = 0

  get size(): number {
    return this.#size
  }

  /**
   * Remembers `value` for `text` unless there is one already; returns what was there before. Two texts are taken for one with
   * a probability of n² / 2⁹⁷.
   *
   * @param value whole, from 0 to 2³² − 2
   */
  add(text: string, value: number): number | undefined {
    if ((this.#size + 1) * SLOT_WORDS > this.#slots.length * FULLEST) this.#grow()
    const key = keyOf(text)
    const at = this.#find(key)
    const found = this.#slots[at + 3] ?? 0
    if (found !== 0) return found - 1
    this.#slots.set([...key, value + 1], at)
    this.#size += 1
    return undefined
  }

  get(text: string): number | undefined {
    const found = this.#slots[this.#find(keyOf(text)) + 3] ?? 0
    return found === 0 ? undefined : found - 1
  }

  /** Replaces the value of a text, or adds it. */
  set(text: string, value: number): void {
    if (this.add(text, value) !== undefined) this.#slots[this.#find(keyOf(text)) + 3] = value + 1
  }

  /** The slot of the key, or the free one where it belongs. */
  #find(key: Key): number {
    const slots = this.#slots
    const mask = slots.length / SLOT_WORDS - 1
    for (let slot = key[0] & mask; ; slot = (slot + 1) & mask) {
      const at = slot * SLOT_WORDS
      if (slots[at + 3] === 0) return at
      if (slots[at] === key[0] && slots[at + 1] === key[1] && slots[at + 2] === key[2]) return at
    }
  }

  #grow(): void {
    const old = this.#slots
    this.#slots = new Uint32Array(old.length * 2)
    for (let at = 0; at < old.length; at += SLOT_WORDS) {
      const [a = 0, b = 0, c = 0, value = 0] = old.subarray(at, at + SLOT_WORDS)
      if (value !== 0) this.#slots.set([a, b, c, value], this.#find([a, b, c]))
    }
  }
}

type Key = readonly [number, number, number]

function keyOf(text: string): Key {
  const digest = hash('sha256', text, 'buffer')
  return [digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8)]
}
