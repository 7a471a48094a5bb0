/**
 * What the typical request of a class costs and takes, by which weights are measured (decision record 0012).
 *
 * The typical request is read off the sums that are kept anyway: the row of Σw·xxᵀ that belongs to the class is n times the
 * mean context of its requests. So the yardstick moves as slowly as those sums fade, needs no state of its own, and
 * replicas that have the same sums have the same one.
 */
import { type ArmModel, linearHeadOf } from './arm-model.ts'
import { type Context, forecast } from './estimate.ts'
import { type FeatureSpace, PROMPT_TOKENS_COORDINATE, promptTokensAt } from './feature-space.ts'
import { nonZeros } from './linalg.ts'
import type { Yardstick } from './preferences.ts'
import type { Arm, ArmId, RequestFacts } from './types.ts'

/** Every request that is answered teaches this head. */
const WITNESS = 'output_tokens'
/** Weight of the plain request, whose structure is all zeros, in answered requests. */
const PLAIN_WEIGHT = 10
/** What is cached holds until there are so many more answers, as a share and at least… */
const GROWTH = 0.05
const GROWTH_LEAST = 20
/** …and no longer than this: latencies move faster than lengths. */
const AGE_MAX_MS = 10 * 60_000

export interface Candidate {
  readonly arm: Arm
  readonly model: ArmModel
}

interface Typical {
  readonly context: Context
  readonly formedAtMs: number
  readonly formedAtAnswers: number
  /** New answers after which it is formed anew. */
  readonly lasts: number
  readonly byArm: Map<ArmId, Yardstick>
}

export class ClassYardsticks {
  readonly #space: FeatureSpace
  readonly #halfLifeMs: number
  readonly #typical = new Map<string, Typical>()
  #answers = 0

  /** @param halfLifeMs of the head `output_tokens` */
  constructor(space: FeatureSpace, halfLifeMs: number) {
    this.#space = space
    this.#halfLifeMs = halfLifeMs
  }

  /** Takes note of one answered request. */
  countAnswer(): void {
    this.#answers++
  }

  /** Everything is formed anew, from the sums and prices as they are then. */
  forget(): void {
    this.#typical.clear()
    this.#answers = 0
  }

  /**
   * Mean over the candidates, eligible or not: the wishes of a request do not change when an arm goes down.
   *
   * @param candidates at least one
   * @param models of all arms: what a class's requests are like does not depend on who answered them
   */
  of(
    facts: RequestFacts,
    candidates: readonly Candidate[],
    models: Iterable<ArmModel>,
    nowMs: number,
  ): Yardstick {
    const typical = this.#current(facts, models, nowMs)
    let costUsd = 0
    let latencyMs = 0
    for (const { arm, model } of candidates) {
      let own = typical.byArm.get(arm.id)
      if (own === undefined) {
        const expected = forecast(arm, model, typical.context)
        own = { costUsd: expected.costUsd.mean, latencyMs: expected.latencyMs.mean }
        typical.byArm.set(arm.id, own)
      }
      costUsd += own.costUsd
      latencyMs += own.latencyMs
    }
    return { costUsd: costUsd / candidates.length, latencyMs: latencyMs / candidates.length }
  }

  #current(facts: RequestFacts, models: Iterable<ArmModel>, nowMs: number): Typical {
    // Classes without a coordinate of their own are one: labels that callers make up must not fill the memory.
    const key = this.#space.classes.includes(facts.requestClass) ? facts.requestClass : ''
    const known = this.#typical.get(key)
    if (
      known !== undefined &&
      this.#answers - known.formedAtAnswers < known.lasts &&
      Math.abs(nowMs - known.formedAtMs) < AGE_MAX_MS
    ) {
      return known
    }
    const { x, weight } = this.#meanContext(key, models, nowMs)
    const at = this.#space.names.indexOf(PROMPT_TOKENS_COORDINATE)
    const formed: Typical = {
      context: {
        x,
        nz: nonZeros(x, this.#space.dimension),
        servingNz: nonZeros(x, this.#space.servingDimension),
        facts: { ...facts, promptTokens: promptTokensAt(x[at] ?? 0), requestedOutputTokens: undefined },
        nowMs,
      },
      formedAtMs: nowMs,
      formedAtAnswers: this.#answers,
      lasts: Math.max(GROWTH_LEAST, GROWTH * weight),
      byArm: new Map(),
    }
    this.#typical.set(key, formed)
    return formed
  }

  /** Of the class's requests, the plain one among them; the text block stays 0. */
  #meanContext(
    requestClass: string,
    models: Iterable<ArmModel>,
    nowMs: number,
  ): { readonly x: Float64Array; readonly weight: number } {
    const space = this.#space
    const row = Math.max(space.names.indexOf(`class:${requestClass}`), 0)
    const x = new Float64Array(space.dimension)
    let weight = 0
    for (const model of models) {
      const sums = linearHeadOf(model, WITNESS).sums()
      if (sums === undefined) continue
      const factor = 2 ** (-Math.max(nowMs - sums.asOfMs, 0) / this.#halfLifeMs)
      weight += factor * sums.A[packedAt(row, row)]!
      for (let i = 0; i < sums.b.length; i++) x[i]! += factor * sums.A[packedAt(row, i)]!
    }
    for (let i = 0; i < x.length; i++) {
      const block = space.blocks[i]
      x[i] = i === 0 || i === row ? 1 : block === 'class' ? 0 : x[i]! / (weight + PLAIN_WEIGHT)
    }
    return { x, weight }
  }
}

function packedAt(i: number, j: number): number {
  return i >= j ? (i * (i + 1)) / 2 + j : (j * (j + 1)) / 2 + i
}
