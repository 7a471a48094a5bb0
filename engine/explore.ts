/** Distribution → distribution: what is done to every policy's choice before the draw. */

/**
 * Additive floor: p ↦ floor/K + (1 − floor)·p. It keeps order and spacing and bounds every importance weight by K/floor.
 */
export function withFloor(distribution: Float64Array, floor: number): Float64Array {
  const share = floor / distribution.length
  return distribution.map((p) => share + (1 - floor) * p)
}
