import { Counter, type CounterConfiguration, type LabelValues } from 'prom-client'

/** One series of a {@link TalliedCounter}. */
export class Tally {
  #sum = 0

  /** @param value finite, ≥ 0 */
  add(value: number): void {
    this.#sum += value
  }

  /** What was added since the last call. */
  take(): number {
    const sum = this.#sum
    this.#sum = 0
    return sum
  }
}

/**
 * A counter of what each request does several times. prom-client finds a series by a text that it makes of the labels each time;
 * here a request adds to a number, and prom-client is told when somebody reads.
 */
export class TalliedCounter<Label extends string> {
  readonly #tallies: { readonly labels: LabelValues<Label>; readonly tally: Tally }[] = []

  constructor(configuration: CounterConfiguration<Label>) {
    const tallies = this.#tallies
    new Counter({
      ...configuration,
      collect() {
        for (const { labels, tally } of tallies) this.inc(labels, tally.take())
      },
    })
  }

  /** A new one for each call: whoever counts keeps it. */
  series(labels: LabelValues<Label>): Tally {
    const tally = new Tally()
    this.#tallies.push({ labels, tally })
    return tally
  }
}
