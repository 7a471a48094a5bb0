/** So many requests are worth beginning by themselves. */
const REQUESTS_TOGETHER = 16

const NONE: (() => void)[] = []
const SETTLED = Promise.resolve()

/**
 * Awaited between two steps of a request: the other requests of this turn come as far first. The next step is then taken by all
 * of them one after the other, which is quicker than each taking both (see {@link TurnEnd}). Nothing is waited for.
 */
export function inStep(): Promise<void> {
  return SETTLED
}

/**
 * What a turn of the event loop leaves for its end: first the answers, then the records of what happened, then the
 * requests that it has read.
 *
 * A write to a socket wakes its reader, and on a busy machine the kernel then often hands it this thread's processor. Sent
 * where it is made, in the middle of a turn, every answer costs the requests behind it a change of context and cold caches;
 * and the same step of different requests, taken one after the other, finds code and tables warm. No answer waits
 * for anything but work that is at hand, and whatever its reader sends next finds it recorded: it comes in a later turn
 * (docs/decisions/0018). Few requests wait for those of the next turn, once, where this one has sent answers: its callers are
 * many, and about to ask again.
 */
export class TurnEnd {
  readonly #onError: (thrown: unknown) => void
  #answers: (() => void)[] = []
  #records: (() => void)[] = []
  #requests: (() => void)[] = []
  #isArmed = false
  #hasHeldBack = false

  /** @param onError told what a piece of work threw; the others run all the same */
  constructor(onError: (thrown: unknown) => void) {
    this.#onError = onError
  }

  answer(send: () => void): void {
    this.#answers.push(send)
    this.#arm()
  }

  record(note: () => void): void {
    this.#records.push(note)
    this.#arm()
  }

  /** Resolves when the answers and records of this turn are done: those that were read with it go on together. */
  request(): Promise<void> {
    return new Promise((begin) => {
      this.#requests.push(begin)
      this.#arm()
    })
  }

  #arm(): void {
    if (this.#isArmed) return
    this.#isArmed = true
    setImmediate(this.#run)
  }

  readonly #run = (): void => {
    const answers = this.#answers
    const records = this.#records
    const requests = this.#takeRequests()
    this.#answers = []
    this.#records = []
    this.#isArmed = false
    if (this.#requests.length > 0) this.#arm()
    for (const work of answers) this.#attempt(work)
    for (const work of records) this.#attempt(work)
    for (const begin of requests) begin()
  }

  #takeRequests(): (() => void)[] {
    const requests = this.#requests
    const areFew = requests.length > 0 && requests.length < REQUESTS_TOGETHER
    this.#hasHeldBack = areFew && !this.#hasHeldBack && this.#answers.length > 0
    if (this.#hasHeldBack) return NONE
    this.#requests = []
    return requests
  }

  #attempt(work: () => void): void {
    try {
      work()
    } catch (thrown) {
      this.#onError(thrown)
    }
  }
}
