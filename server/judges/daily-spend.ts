/** What a judge may still spend today. Reserved before a call and settled after it, so that calls at once cannot overspend. */
const DAY_MS = 86_400_000
/** How often the store is asked what all replicas have spent. */
const REFRESH_MS = 60_000

export function dayStartMs(nowMs: number): number {
  return Math.floor(nowMs / DAY_MS) * DAY_MS
}

export class DailySpend {
  readonly #spentSince: (fromMs: number) => Promise<number>
  #dayMs = Number.NaN
  /** By all replicas, as the store told last. */
  #storedUsd = 0
  /** By this one since, which the store may not have told yet. */
  #ownUsd = 0
  /** Of that, what was there at the last reading. */
  #readOwnUsd = 0
  #reservedUsd = 0
  /** Reservations that are not settled yet. */
  #open = 0
  #refreshing: Promise<void> | undefined
  #refreshedMs = Number.NEGATIVE_INFINITY

  /** @param spentSince what was spent since a time by all replicas, USD */
  constructor(spentSince: (fromMs: number) => Promise<number>) {
    this.#spentSince = spentSince
  }

  /** Today, as far as it is known; what is reserved included. */
  spentUsd(nowMs: number): number {
    return this.#isOfDay(nowMs) ? this.#storedUsd + this.#ownUsd + this.#reservedUsd : 0
  }

  /**
   * Undefined where it would go beyond `limitUsd`; else what to call when the cost is known.
   * @throws what the store throws: who cannot tell what was spent spends nothing
   */
  async reserve(
    usd: number,
    limitUsd: number,
    nowMs: number,
  ): Promise<((spentUsd: number) => void) | undefined> {
    await this.refresh(nowMs)
    if (this.spentUsd(nowMs) + usd > limitUsd) return undefined
    this.#reservedUsd += usd
    this.#open++
    let isOpen = true
    return (spentUsd) => {
      if (!isOpen) return
      isOpen = false
      this.#open--
      // What rounding leaves of sums that cancel is no money.
      this.#reservedUsd = this.#open === 0 ? 0 : this.#reservedUsd - usd
      this.#ownUsd += spentUsd
    }
  }

  /** Asks the store, unless it was asked lately. @throws what the store throws */
  async refresh(nowMs: number): Promise<void> {
    // A reading that runs already may be of another day, and say nothing of this one.
    while (!this.#isOfDay(nowMs) || Math.abs(nowMs - this.#refreshedMs) >= REFRESH_MS) {
      this.#refreshing ??= this.#read(nowMs).finally(() => {
        this.#refreshing = undefined
      })
      await this.#refreshing
    }
  }

  /** Of who came before midnight and had to wait, what is spent is of the day that it is by now. */
  #isOfDay(nowMs: number): boolean {
    return dayStartMs(nowMs) <= this.#dayMs
  }

  async #read(nowMs: number): Promise<void> {
    const dayMs = dayStartMs(nowMs)
    const storedUsd = await this.#spentSince(dayMs)
    // What was spent here before the last reading is in this one. What came after it may not be: rather counted twice than not.
    this.#ownUsd = dayMs === this.#dayMs ? Math.max(this.#ownUsd - this.#readOwnUsd, 0) : 0
    this.#readOwnUsd = this.#ownUsd
    this.#storedUsd = storedUsd
    this.#dayMs = dayMs
    this.#refreshedMs = nowMs
  }
}
