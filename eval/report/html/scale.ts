/** From values to places on a plot, and the round values that stand at its axes. */

export interface Scale {
  /** In the plot's units. */
  readonly at: (value: number) => number
  /** Round values within the domain, ascending. */
  readonly ticks: readonly number[]
}

/** Values that differ by less than this share of themselves differ by rounding. */
const SAME = 1e-9
/** Steps of less than this would not be numbers of full precision. */
const NOTHING = 1e-280

/** Domain of at least one finite value with room at both ends; undefined where there is none, or none above 0 on logarithms. */
export function domainOf(
  values: readonly (number | undefined)[],
  isLog: boolean,
): readonly [low: number, high: number] | undefined {
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const value of values) {
    if (value === undefined || !Number.isFinite(value) || (isLog && value <= 0)) continue
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  if (low > high) return undefined
  const isOne = high - low <= Math.max(SAME * Math.max(Math.abs(low), Math.abs(high)), NOTHING)
  if (isLog) {
    const room = (high / low) ** 0.05
    return isOne ? [low / 2, high * 2] : [low / room, high * room]
  }
  const room = isOne ? Math.max(Math.abs(low) * 0.1, 1e-3) : (high - low) * 0.05
  return [low - room, high + room]
}

/** @param domain ascending; above 0 on logarithms */
export function createScale(
  domain: readonly [low: number, high: number],
  range: readonly [from: number, to: number],
  isLog: boolean,
): Scale {
  const [from, to] = range
  const project = isLog ? Math.log : (value: number) => value
  const low = project(domain[0])
  const span = project(domain[1]) - low
  return {
    at: (value) => from + ((project(value) - low) / span) * (to - from),
    ticks: isLog ? logTicks(domain) : linearTicks(domain),
  }
}

const TICKS = 6

function linearTicks([low, high]: readonly [number, number], count = TICKS): number[] {
  const rough = (high - low) / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10)
  const first = Math.ceil(low / step)
  const last = Math.floor(high / step + 1e-9)
  // Multiples of the step, each rounded once: 0.3 and not 0.30000000000000004.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
}

/** Powers of ten, with 2 and 5 (or 3) between them where few fit; too narrow for those: as on a linear axis. */
function logTicks(domain: readonly [number, number]): number[] {
  const [low, high] = domain
  const lowest = Math.floor(Math.log10(low))
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - lowest + 1 }, (_, i) => lowest + i)
  if (powers.length > 2 * TICKS) {
    const step = Math.ceil(powers.length / TICKS)
    return powers
      .map((power) => 10 ** power)
      .filter((tick, i) => i % step === 1 && tick >= low && tick <= high)
  }
  for (const factors of [[1], [1, 3], [1, 2, 5]]) {
    const ticks = powers
      .flatMap((power) => factors.map((factor) => Number(`${factor}e${power}`)))
      .filter((tick) => tick >= low && tick <= high)
    if (ticks.length >= 4) return ticks
  }
  return linearTicks(domain, 5).filter((tick) => tick > 0)
}
