/**
 * What a head has seen, as additive sums in three parts that are believed together:
 *
 * - its own: examples that were observed here, under the name that the process writes with now;
 * - handed over: examples that were observed here under an earlier name, until what comes from elsewhere contains them;
 * - from elsewhere: those of other processes, replaced as a whole each time they are read.
 *
 * They are added when a posterior is formed, so no example is in two parts and nothing ever has to be subtracted.
 *
 * An example's age counts from the start of its time bucket. A store that keeps one sum per bucket then comes to the same
 * weights, whoever observed the example.
 */
import { addOuter, packedLength, scale } from './linalg.ts'

/** Additive sums over the data, all decayed to `asOfMs`. */
export interface LinearSums {
  asOfMs: number
  n: number
  c: number
  readonly A: Float64Array
  readonly b: Float64Array
  /** What was seen before this is forgotten, because something changed then. Absent: nothing is. */
  sinceMs?: number
}

/** From when on examples count, as all who share a store agree. */
export interface Cut {
  /** Time of the first example that counts. */
  readonly sinceMs: number
  /** The same before it was bounded by when it became known: whose notice has arrived can be told by it. */
  readonly announcedMs: number
}

export class HeadMemory {
  readonly #dimension: number
  readonly #halfLifeMs: number
  readonly #bucketMs: number
  #own: LinearSums | undefined
  #handedOver: Readonly<LinearSums> | undefined
  #elsewhere: Readonly<LinearSums> | undefined
  #sinceMs = Number.NEGATIVE_INFINITY
  #announcedMs = Number.NEGATIVE_INFINITY
  #isUnheard = false
  /** The own sums were cut by order of arrival, or not yet at all: only the store can tell which examples they should have. */
  #cutApart = false

  /** @param bucketMs width of the time buckets; 0: an example's age is its own */
  constructor(dimension: number, halfLifeMs: number, bucketMs = 0) {
    this.#dimension = dimension
    this.#halfLifeMs = halfLifeMs
    this.#bucketMs = bucketMs
  }

  get isEmpty(): boolean {
    return this.#own === undefined && this.#handedOver === undefined && this.#elsewhere === undefined
  }

  /** Whether an example of this time is not forgotten already. */
  counts(atMs: number): boolean {
    return atMs >= this.#sinceMs
  }

  /** 2^(−age / half-life); 1 for what lies in the future. */
  decay(ageMs: number): number {
    return ageMs <= 0 ? 1 : 2 ** (-ageMs / this.#halfLifeMs)
  }

  /** Adds an example that {@link counts}. @returns the weight it has now */
  add(x: Float64Array, nz: Int32Array, y: number, weight: number, atMs: number): number {
    const sums = this.#advance(atMs)
    const datedMs = this.#bucketMs > 0 ? Math.floor(atMs / this.#bucketMs) * this.#bucketMs : atMs
    const w = weight * this.decay(sums.asOfMs - datedMs)
    sums.n += w
    sums.c += w * y * y
    for (let p = 0; p < nz.length; p++) sums.b[nz[p]!]! += w * y * x[nz[p]!]!
    addOuter(sums.A, x, nz, w)
    return w
  }

  /** Forgets everything but these examples, the own ones since `sinceMs`. */
  restart(recent: Readonly<Omit<LinearSums, 'asOfMs'>>, atMs: number, sinceMs: number): void {
    const { asOfMs } = this.#advance(atMs)
    this.#own = { asOfMs, n: recent.n, c: recent.c, A: recent.A, b: recent.b }
    this.#handedOver = undefined
    this.#elsewhere = undefined
    this.#sinceMs = sinceMs
    this.#announcedMs = sinceMs
    this.#isUnheard = true
    this.#cutApart = true
  }

  /** Adds sums of other data to the own ones, bringing both to the later of the two times. */
  absorb(other: Readonly<LinearSums>): void {
    const sums = this.#advance(other.asOfMs)
    addTo(sums, other, this.decay(sums.asOfMs - other.asOfMs))
    if (other.sinceMs === undefined || other.sinceMs <= this.#sinceMs) return
    this.#sinceMs = other.sinceMs
    this.#announcedMs = other.sinceMs
  }

  /** From now on own examples are counted anew; those so far are believed until {@link replaceElsewhere} has them. */
  handOver(): void {
    this.#handedOver = added(this.#handedOver, this.#own, (ageMs) => this.decay(ageMs))
    this.#own = undefined
    this.#cutApart = false
  }

  /**
   * @param sums of all other processes, without what the cut forgets; undefined: they have seen nothing
   * @param cut undefined: none is known there
   * @param withHandedOver whether the sums contain what was handed over
   * @returns whether anything that is believed has changed
   */
  replaceElsewhere(
    sums: Readonly<LinearSums> | undefined,
    cut: Cut | undefined,
    withHandedOver: boolean,
  ): boolean {
    const before = this.#elsewhere
    if (withHandedOver) this.#handedOver = undefined
    const announcedMs = cut?.announcedMs ?? Number.NEGATIVE_INFINITY
    this.#isUnheard = announcedMs < this.#announcedMs
    if (this.#isUnheard) {
      // A change that was noticed here is not known there yet: these sums still have what is to be forgotten.
      this.#elsewhere = undefined
      return before !== undefined
    }
    this.#elsewhere = sums
    if (cut !== undefined && cut.sinceMs !== this.#sinceMs) {
      this.#sinceMs = cut.sinceMs
      this.#cutApart ||= this.#own !== undefined
    }
    this.#announcedMs = announcedMs
    return before !== sums
  }

  /** The own sums are not those of the own examples since the cut; handing them over mends that. */
  get needsHandOver(): boolean {
    return this.#cutApart
  }

  /** A change noticed here of which the last sums from elsewhere did not know: since when. */
  get unheardChangeMs(): number | undefined {
    return this.#isUnheard ? this.#announcedMs : undefined
  }

  /**
   * All parts, brought to `nowMs` or the latest of their times. Read only. Nothing while more was taken back than there is:
   * what remains then is no sum over examples, and the examples it takes back are still to come.
   */
  total(nowMs: number): Readonly<LinearSums> {
    const sums = this.#allParts(nowMs)
    return sums.n < 0 ? zeros(this.#dimension, sums.asOfMs) : sums
  }

  #allParts(nowMs: number): Readonly<LinearSums> {
    if (this.#handedOver === undefined && this.#elsewhere === undefined) return this.#advance(nowMs)
    const decay = (ageMs: number): number => this.decay(ageMs)
    const sums = added(added(this.#elsewhere, this.#handedOver, decay), this.#own, decay)
    if (sums !== undefined && sums.asOfMs >= nowMs) return sums
    return added(zeros(this.#dimension, nowMs), sums, decay)
  }

  /** A copy of all parts as of the latest of their times; undefined when there are none. */
  copy(): LinearSums | undefined {
    if (this.isEmpty) return undefined
    const sums = this.#allParts(Number.NEGATIVE_INFINITY)
    const copied: LinearSums = { ...sums, A: sums.A.slice(), b: sums.b.slice() }
    if (this.#sinceMs > Number.NEGATIVE_INFINITY) copied.sinceMs = this.#sinceMs
    return copied
  }

  /** Σw at `nowMs`, never below 0. */
  weightAt(nowMs: number): number {
    return Math.max(this.#netWeightAt(nowMs), 0)
  }

  /** More was taken back than there is. */
  isOverdrawnAt(nowMs: number): boolean {
    return this.#netWeightAt(nowMs) < 0
  }

  #netWeightAt(nowMs: number): number {
    // No loop over the parts: this runs several times for each arm of each request.
    let weight = this.#own === undefined ? 0 : this.#own.n * this.decay(nowMs - this.#own.asOfMs)
    if (this.#handedOver !== undefined)
      weight += this.#handedOver.n * this.decay(nowMs - this.#handedOver.asOfMs)
    if (this.#elsewhere !== undefined)
      weight += this.#elsewhere.n * this.decay(nowMs - this.#elsewhere.asOfMs)
    return weight
  }

  /** Σw·y·x[0] at `nowMs`. */
  firstAt(nowMs: number): number {
    let sum = this.#own === undefined ? 0 : this.#own.b[0]! * this.decay(nowMs - this.#own.asOfMs)
    if (this.#handedOver !== undefined)
      sum += this.#handedOver.b[0]! * this.decay(nowMs - this.#handedOver.asOfMs)
    if (this.#elsewhere !== undefined)
      sum += this.#elsewhere.b[0]! * this.decay(nowMs - this.#elsewhere.asOfMs)
    return sum
  }

  /** Brings the own sums to `toMs` if that is later than they are. */
  #advance(toMs: number): LinearSums {
    const sums = this.#own
    if (sums === undefined) {
      this.#own = zeros(this.#dimension, toMs)
      return this.#own
    }
    if (toMs > sums.asOfMs) {
      const factor = this.decay(toMs - sums.asOfMs)
      if (factor < 1) {
        sums.n *= factor
        sums.c *= factor
        scale(sums.A, factor)
        scale(sums.b, factor)
      }
      sums.asOfMs = toMs
    }
    return sums
  }
}

function zeros(dimension: number, asOfMs: number): LinearSums {
  return {
    asOfMs,
    n: 0,
    c: 0,
    A: new Float64Array(packedLength(dimension)),
    b: new Float64Array(dimension),
  }
}

function addTo(sums: LinearSums, other: Readonly<LinearSums>, factor: number): void {
  sums.n += factor * other.n
  sums.c += factor * other.c
  for (let i = 0; i < sums.b.length; i++) sums.b[i]! += factor * other.b[i]!
  for (let i = 0; i < sums.A.length; i++) sums.A[i]! += factor * other.A[i]!
}

type Decay = (ageMs: number) => number
type Part = Readonly<LinearSums>

/** As of the later of the two times; one of the two where the other is missing. */
function added(left: Part, right: Part | undefined, decay: Decay): Part
function added(left: Part | undefined, right: Part | undefined, decay: Decay): Part | undefined
function added(left: Part | undefined, right: Part | undefined, decay: Decay): Part | undefined {
  if (left === undefined || right === undefined) return left ?? right
  const sums = zeros(left.b.length, Math.max(left.asOfMs, right.asOfMs))
  addTo(sums, left, decay(sums.asOfMs - left.asOfMs))
  addTo(sums, right, decay(sums.asOfMs - right.asOfMs))
  return sums
}
