/** Whether somebody looks at `/readyz` again and again. */

/** Probes come at least this often; a person who looks once, or a command that asks for the server's name, does not. */
const PROBE_PAUSE_MS_MAX = 60_000

export class ReadinessProbes {
  #previousMs = Number.NEGATIVE_INFINITY
  #latestMs = Number.NEGATIVE_INFINITY

  /** @param nowMs monotonic, ms */
  asked(nowMs: number): void {
    this.#previousMs = this.#latestMs
    this.#latestMs = nowMs
  }

  /** The last two came within a minute of each other, and the latest within the last one. */
  areComing(nowMs: number): boolean {
    return (
      this.#latestMs - this.#previousMs <= PROBE_PAUSE_MS_MAX && nowMs - this.#latestMs <= PROBE_PAUSE_MS_MAX
    )
  }
}
