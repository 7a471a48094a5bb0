/** How far a long command is: on stderr, and only where somebody watches. */
import { SingleBar } from 'cli-progress'

export interface Progress {
  update(done: number, total: number): void
  stop(): void
}

export function progressBar(): Progress {
  if (!process.stderr.isTTY) return { update() {}, stop() {} }
  const bar = new SingleBar({
    format: '{bar} {percentage}% | {value}/{total} | {eta_formatted} left',
    stream: process.stderr,
  })
  let started = false
  return {
    update(done, total) {
      if (!started) bar.start(total, done)
      started = true
      bar.setTotal(total)
      bar.update(done)
    },
    stop() {
      if (started) bar.stop()
    },
  }
}
