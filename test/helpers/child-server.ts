/** `highwayman serve` as a process of its own, to be killed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

const repository = resolve(import.meta.dirname, '..', '..')

export interface ChildServer {
  readonly url: string
  /** Address of the simulator behind it; null when it serves other providers. */
  readonly simulator: string | null
  readonly process: ChildProcess
  /** Everything on stderr so far. */
  readonly complaints: () => string
  /** Resolves when the process has ended. */
  kill(signal: NodeJS.Signals): Promise<void>
}

export async function startChildServer(args: readonly string[]): Promise<ChildServer> {
  const child = spawn(process.execPath, ['cli.ts', 'serve', '--json', '--port', '0', ...args], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let complaints = ''
  child.stderr.on('data', (data: Buffer) => {
    complaints += data.toString()
  })
  const line = await new Promise<string>((done, fail) => {
    createInterface({ input: child.stdout }).once('line', done)
    child.once('exit', (code) => fail(new Error(`the server ended with ${code}: ${complaints}`)))
  })
  const { url, simulator } = JSON.parse(line) as { url: string; simulator: string | null }
  return {
    url,
    simulator,
    process: child,
    complaints: () => complaints,
    async kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
    },
  }
}
