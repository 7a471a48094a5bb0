/** Success of an arm: a Beta posterior over decayed counts. Its sums have the linear heads' shape with x = [1]. */
import type { LinearSums } from './linear-head.ts'

export interface BetaPrior {
  readonly successes: number
  readonly failures: number
}

export class CountHead {
  readonly #prior: BetaPrior
  readonly #halfLifeMs: number
  #asOfMs = 0
  #n = 0
  #successes = 0

  constructor(prior: BetaPrior, halfLifeMs: number) {
    this.#prior = prior
    this.#halfLifeMs = halfLifeMs
  }

  observe(success: number, weight: number, atMs: number): void {
    this.absorb({ asOfMs: atMs, n: weight, b: Float64Array.of(weight * success) })
  }

  predict(nowMs: number): { readonly mean: number; readonly sd: number } {
    const factor = this.#decay(nowMs - this.#asOfMs)
    const alpha = this.#prior.successes + factor * Math.max(this.#successes, 0)
    const beta = this.#prior.failures + factor * Math.max(this.#n - this.#successes, 0)
    const total = alpha + beta
    return { mean: alpha / total, sd: Math.sqrt((alpha * beta) / (total * total * (total + 1))) }
  }

  sums(): LinearSums | undefined {
    if (this.#asOfMs === 0) return undefined
    return {
      asOfMs: this.#asOfMs,
      n: this.#n,
      c: this.#successes,
      A: Float64Array.of(this.#n),
      b: Float64Array.of(this.#successes),
    }
  }

  absorb(other: { readonly asOfMs: number; readonly n: number; readonly b: Float64Array }): void {
    const asOfMs = Math.max(this.#asOfMs, other.asOfMs)
    const mine = this.#decay(asOfMs - this.#asOfMs)
    const theirs = this.#decay(asOfMs - other.asOfMs)
    this.#n = mine * this.#n + theirs * other.n
    this.#successes = mine * this.#successes + theirs * other.b[0]!
    this.#asOfMs = asOfMs
  }

  #decay(ageMs: number): number {
    return ageMs <= 0 ? 1 : 2 ** (-ageMs / this.#halfLifeMs)
  }
}
