/** Success of an arm: a Beta posterior over decayed counts. Its sums have the linear heads' shape with x = [1]. */
import { type Cut, HeadMemory, type LinearSums } from './head-memory.ts'

export interface BetaPrior {
  readonly successes: number
  readonly failures: number
}

const X = Float64Array.of(1)
const POSITIONS = Int32Array.of(0)

export class CountHead {
  readonly #prior: BetaPrior
  readonly #memory: HeadMemory

  /** @param bucketMs width of the time buckets from whose start examples age; 0: each from its own time */
  constructor(prior: BetaPrior, halfLifeMs: number, bucketMs = 0) {
    this.#prior = prior
    this.#memory = new HeadMemory(1, halfLifeMs, bucketMs)
  }

  observe(success: number, weight: number, atMs: number): void {
    if (this.#memory.counts(atMs)) this.#memory.add(X, POSITIONS, success, weight, atMs)
  }

  predict(nowMs: number): { readonly mean: number; readonly sd: number } {
    const successes = Math.max(this.#memory.firstAt(nowMs), 0)
    const alpha = this.#prior.successes + successes
    const beta = this.#prior.failures + Math.max(this.#memory.weightAt(nowMs) - successes, 0)
    const total = alpha + beta
    return { mean: alpha / total, sd: Math.sqrt((alpha * beta) / (total * total * (total + 1))) }
  }

  sums(): LinearSums | undefined {
    return this.#memory.copy()
  }

  absorb(other: Readonly<LinearSums>): void {
    this.#memory.absorb(other)
  }

  /** See {@link HeadMemory.handOver}. */
  handOver(): void {
    this.#memory.handOver()
  }

  /** See {@link HeadMemory.replaceElsewhere}. */
  replaceElsewhere(
    sums: Readonly<LinearSums> | undefined,
    cut: Cut | undefined,
    withHandedOver: boolean,
  ): boolean {
    return this.#memory.replaceElsewhere(sums, cut, withHandedOver)
  }

  get needsHandOver(): boolean {
    return this.#memory.needsHandOver
  }

  /** It notices no changes. */
  get unheardChangeMs(): undefined {
    return undefined
  }
}
