/** Numbers as flags: read whole, within a range, or refused with the range; and a default of several commands. */
import { InvalidArgumentError } from 'commander'

/** What is simulated where nobody says otherwise. */
export const DEFAULT_DATASET = 'crossroads'

export function number(least: number, most: number, { whole = false } = {}): (text: string) => number {
  return (text) => {
    const value = Number(text)
    const ok = text.trim() !== '' && value >= least && value <= most && (!whole || Number.isInteger(value))
    if (!ok)
      throw new InvalidArgumentError(`expected a ${whole ? 'whole ' : ''}number from ${least} to ${most}`)
    return value
  }
}

export function positive(unit: string): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError(`expected a number above 0, ${unit}`)
    return value
  }
}

export function whole(least: number, most: number): (text: string) => number {
  return number(least, most, { whole: true })
}
