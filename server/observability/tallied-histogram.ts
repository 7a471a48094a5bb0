import type { Histogram, LabelValues, Registry } from 'prom-client'

export interface TalliedHistogramOptions<Label extends string> {
  readonly name: string
  readonly help: string
  readonly labelNames?: readonly Label[]
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[]
  readonly registers: readonly Registry[]
}

type Labels = Readonly<Partial<Record<string, string | number>>>

interface ValueTold {
  readonly metricName: string
  readonly labels: Labels
  readonly value: number
}

interface MetricTold {
  readonly name: string
  readonly help: string
  readonly type: 'histogram'
  readonly aggregator: 'sum'
  readonly values: readonly ValueTold[]
}

/** One series of a {@link TalliedHistogram}. */
export class Observations {
  readonly #bounds: readonly number[]
  /** By bucket, and at last of what is above all bounds. */
  readonly #counts: Float64Array
  #sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  /** @throws {TypeError} for what is not finite: a sum would be lost to it */
  observe(value: number): void {
    if (!Number.isFinite(value)) throw new TypeError(`${value} cannot be observed: it is not finite`)
    let bucket = 0
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] ?? 0)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#sum += value
  }

  /** How many were at most as large as each bound, and in all. */
  get cumulative(): readonly number[] {
    let below = 0
    return Array.from(this.#counts, (count) => {
      below += count
      return below
    })
  }

  get sum(): number {
    return this.#sum
  }
}

/**
 * A histogram of what each request does, as {@link TalliedCounter} is a counter: prom-client finds series and buckets by texts
 * that it makes of labels and bounds, and whoever observes here keeps the series and counts into an array.
 */
export class TalliedHistogram<Label extends string = never> {
  readonly name: string
  readonly help: string
  readonly type = 'histogram'
  readonly #bounds: readonly number[]
  readonly #series: { readonly labels: LabelValues<Label>; readonly observations: Observations }[] = []

  constructor({ name, help, buckets, registers }: TalliedHistogramOptions<Label>) {
    this.name = name
    this.help = help
    this.#bounds = buckets
    // All that a registry asks of a metric is here; its type names the classes of prom-client.
    for (const registry of registers) registry.registerMetric(this as unknown as Histogram)
  }

  /** A new one for each call: whoever observes keeps it. */
  series(labels: LabelValues<Label>): Observations {
    const observations = new Observations(this.#bounds)
    this.#series.push({ labels, observations })
    return observations
  }

  /** What a registry reads. */
  async get(): Promise<MetricTold> {
    const { name, help, type } = this
    return {
      name,
      help,
      type,
      aggregator: 'sum',
      values: this.#series.flatMap(({ labels, observations }) =>
        valuesOf(name, labels, this.#bounds, observations),
      ),
    }
  }
}

function valuesOf(
  name: string,
  labels: Labels,
  bounds: readonly number[],
  { cumulative, sum }: Observations,
): ValueTold[] {
  const count = cumulative.at(-1) ?? 0
  return [
    ...[...bounds, '+Inf'].map((le, i) => ({
      metricName: `${name}_bucket`,
      labels: { le, ...labels },
      value: cumulative[i] ?? 0,
    })),
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
