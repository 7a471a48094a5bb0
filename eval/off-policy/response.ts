/**
 * How often a value is told, by request class and arm. A row of which it was told stands for those of its kind of which it was
 * not: its weight is divided by the share, and theirs is 0. That is right as long as being told depends on nothing but class
 * and arm ("missing at random"); what if not is shown by the extremes of `sensitivity`.
 *
 * Robins, Rotnitzky & Zhao, "Estimation of regression coefficients when some regressors are not always observed" (1994).
 */
import { entryAt } from './entry.ts'
import { VALUES, type ValueName } from './types.ts'

/** A share rests on its arm's, and that on all, as firmly as on so many rows. */
const PRIOR_ROWS = 10
/** Of so many answers, one would have been judged. */
const SILENT_ROWS = 10

interface Told {
  rows: number
  readonly told: Record<ValueName, number>
}

/** Rows, and of how many each value was told; by class and arm. */
export interface ResponseCell {
  readonly requestClass: string
  readonly arm: string
  readonly rows: number
  readonly told: Readonly<Record<ValueName, number>>
}

export class ResponseCounts {
  readonly #cells = new Map<string, Map<string, Told>>()
  readonly #arms = new Map<string, Told>()
  readonly #all = nobody()

  add(requestClass: string, arm: string, values: Readonly<Record<ValueName, number | undefined>>): void {
    const told = nobody().told
    for (const value of VALUES) told[value] = values[value] === undefined ? 0 : 1
    this.merge([{ requestClass, arm, rows: 1, told }])
  }

  merge(cells: readonly ResponseCell[]): void {
    for (const { requestClass, arm, ...counts } of cells) {
      const arms = entryAt(this.#cells, requestClass, () => new Map<string, Told>())
      for (const into of [entryAt(arms, arm, nobody), entryAt(this.#arms, arm, nobody), this.#all]) {
        into.rows += counts.rows
        for (const value of VALUES) into.told[value] += counts.told[value]
      }
    }
  }

  state(): readonly ResponseCell[] {
    return [...this.#cells].flatMap(([requestClass, arms]) =>
      [...arms].map(([arm, { rows, told }]) => ({ requestClass, arm, rows, told: { ...told } })),
    )
  }

  /** Probability that the value is told of such a row, in (0, 1] where it was told of any row at all. */
  probability(requestClass: string, arm: string, value: ValueName): number {
    const overall = share(this.#all, value, 0, 0)
    const ofArm = share(this.#arms.get(arm), value, overall, PRIOR_ROWS)
    return share(this.#cells.get(requestClass)?.get(arm), value, ofArm, PRIOR_ROWS)
  }

  /** Share of all rows of which the value was told. */
  toldShare(value: ValueName): number {
    return share(this.#all, value, 0, 0)
  }

  /** Whether such answers are given and nobody ever tells the value of one; of a few it is too early to say. */
  isSilent(requestClass: string, arm: string, value: ValueName): boolean {
    return isSilent(this.#arms.get(arm), value) || isSilent(this.#cells.get(requestClass)?.get(arm), value)
  }
}

function isSilent(counts: Told | undefined, value: ValueName): boolean {
  return counts !== undefined && counts.rows >= SILENT_ROWS && counts.told[value] === 0
}

function share(counts: Told | undefined, value: ValueName, prior: number, priorRows: number): number {
  const { rows, told } = counts ?? nobody()
  const total = rows + priorRows
  return total === 0 ? 0 : (told[value] + priorRows * prior) / total
}

function nobody(): Told {
  return { rows: 0, told: { utility: 0, quality: 0, cost_usd: 0, latency_ms: 0, success: 0 } }
}
