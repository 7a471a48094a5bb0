/**
 * Sums that lose no more than a last digit over any number of terms (Neumaier 1974, as Kahan's but also right where a term is
 * larger than the sum). Of numbers of both signs, and of powers of weights, plain sums of ten million lose half of theirs.
 */
export class CompensatedSums {
  readonly #sums: Float64Array
  readonly #lost: Float64Array

  constructor(length: number) {
    this.#sums = new Float64Array(length)
    this.#lost = new Float64Array(length)
  }

  add(index: number, value: number): void {
    const sum = this.#sums[index]!
    const next = sum + value
    this.#lost[index]! += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum
    this.#sums[index] = next
  }

  at(index: number): number {
    return this.#sums[index]! + this.#lost[index]!
  }

  values(): number[] {
    return Array.from(this.#sums, (sum, index) => sum + this.#lost[index]!)
  }
}
