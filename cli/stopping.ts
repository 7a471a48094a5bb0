/** A shutdown, told line by line. */
import type { ShutdownStep } from '../server/index.ts'

export function stepLine(step: ShutdownStep): string {
  switch (step.step) {
    case 'leaving':
      return `/readyz says 503; requests are answered for ${seconds(step.forMs)} more, until then or the next signal`
    case 'draining':
      return step.running === 0
        ? 'the port is closed, and nothing runs'
        : `the port is closed; ${requests(step.running)} may finish, for ${seconds(step.forMs)} at most or until the next signal`
    case 'ending':
      return `${requests(step.running)} did not finish in time, and get an error`
    case 'writing':
      return 'writing what is queued'
  }
}

function requests(count: number): string {
  return `${count} ${count === 1 ? 'request' : 'requests'}`
}

function seconds(ms: number): string {
  return `${ms / 1_000} s`
}
