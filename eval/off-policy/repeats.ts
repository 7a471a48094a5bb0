/**
 * Decisions that are in a log more than once, as overlapping exports have them, found while it is read twice. Memory does not grow
 * with the log: the first reading marks ids in a filter that may take one id for another, the second keeps those ids that it could
 * not tell from repeated ones, with their places, and so is certain.
 *
 * @see Bloom 1970, "Space/time trade-offs in hash coding with allowable errors"; here with a second plane, for "twice"
 */
import { hash53 } from '../../engine/index.ts'
import { EvaluationError } from '../errors.ts'

/** Of each plane: 64 MiB for the two, of which a log of 10 million decisions keeps some four thousand ids. */
const BITS = 2 ** 28
const PROBES = 4
/** Ids with their places: some 100 MB. */
const KEPT_MAX = 2 ** 19
const SALT = 'repeats'

/** What an id is marked at, the same for every thread that reads. */
export class RepeatFilter {
  /** For other threads, which make a filter over the same memory. */
  readonly memory: SharedArrayBuffer
  readonly #once: Uint32Array
  readonly #twice: Uint32Array
  readonly #bits: number

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(BITS / 4)) {
    this.memory = memory
    const words = memory.byteLength / 8
    this.#once = new Uint32Array(memory, 0, words)
    this.#twice = new Uint32Array(memory, words * 4, words)
    this.#bits = words * 32
  }

  add(id: string): void {
    for (const at of this.#places(hash53(id, SALT))) {
      const [word, bit] = [at >>> 5, 1 << (at & 31)]
      // The old word comes back with the change, so that of two threads one sees the other's mark.
      if ((Atomics.or(this.#once, word, bit) & bit) !== 0) Atomics.or(this.#twice, word, bit)
    }
  }

  /** Never false of an id that was added twice. @param hash of the id, in [0, 1) */
  mayRepeat(hash: number): boolean {
    return this.#places(hash).every((at) => (Atomics.load(this.#twice, at >>> 5) & (1 << (at & 31))) !== 0)
  }

  #places(hash: number): number[] {
    const scaled = hash * this.#bits
    const first = Math.floor(scaled)
    // Odd, so that the places of one id differ: their number is a power of two.
    const step = 2 * Math.floor((scaled - first) * 2 ** 24) + 1
    return Array.from({ length: PROBES }, (_, i) => (first + i * step) % this.#bits)
  }
}

/** Ids and where they stand, of those that may stand elsewhere too. */
export type RepeatsState = readonly (readonly [id: string, where: string])[]

export class Repeats {
  readonly #filter: RepeatFilter
  readonly #keptMax: number
  readonly #kept = new Map<string, string>()
  /** Only ids of a hash below it are kept: a log so long that the filter is full is looked at in part. */
  #below = 1

  constructor(filter: RepeatFilter, keptMax = KEPT_MAX) {
    this.#filter = filter
    this.#keptMax = keptMax
  }

  /** In the first reading. */
  count(id: string): void {
    this.#filter.add(id)
  }

  /**
   * In every later one, which may be several.
   *
   * @param where `file:line`
   * @throws {EvaluationError} `eval_repeated_decision` naming the id and both places
   */
  check(id: string, where: string): void {
    const hash = hash53(id, SALT)
    if (hash >= this.#below || !this.#filter.mayRepeat(hash)) return
    const known = this.#kept.get(id)
    if (known !== undefined && known !== where) throw repeated(id, known, where)
    this.#kept.set(id, where)
    while (this.#kept.size > this.#keptMax) this.#keepHalf()
  }

  state(): RepeatsState {
    return [...this.#kept]
  }

  /** Of a thread that has read other files. @throws {EvaluationError} as `check` does */
  merge(part: RepeatsState): void {
    for (const [id, where] of part) this.check(id, where)
  }

  #keepHalf(): void {
    this.#below /= 2
    for (const id of this.#kept.keys()) if (hash53(id, SALT) >= this.#below) this.#kept.delete(id)
  }
}

function repeated(id: string, first: string, second: string): EvaluationError {
  return new EvaluationError(
    'eval_repeated_decision',
    `decision ${id} is in ${first} and again in ${second}; counted twice it makes intervals too narrow. Export spans that do not overlap (highwayman log export --from … --to …), or bring the files into a store, which takes each decision once (highwayman log import --in …), and give --log store`,
  )
}
