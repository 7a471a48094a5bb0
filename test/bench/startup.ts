/** What whoever types a command waits for before it does anything, beside a Node that runs nothing. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repositoryRoot } from '../house/tree.ts'
import { type BenchResult, median } from './report.ts'

const ROUNDS = 5
/** A server brings a ClickHouse up with it. */
const SERVER_ROUNDS = 3

const CLI = join(repositoryRoot, 'cli.ts')
const COMMANDS = [
  '--help',
  'replay --help',
  'replay --dataset crossroads --policy cheapest --seeds 1 --workers 1',
  'evaluate --help',
  'experiment power --help --mde 0.1',
  'log export --help',
  'datasets list',
  'doctor --help',
]

/** Loaded before anything else; tells at its end what processor time the process took, on a pipe of its own. */
const TELLS_USAGE = `data:text/javascript,${encodeURIComponent(
  "import { writeSync } from 'node:fs'; process.on('exit', () => writeSync(3, JSON.stringify(process.cpuUsage())))",
)}`

interface Start {
  readonly wallMs: number
  readonly processorMs: number
}

export async function benchStartup(): Promise<BenchResult[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'highwayman-bench-startup-'))
  try {
    const { NODE_COMPILE_CACHE: _, NODE_DISABLE_COMPILE_CACHE: __, ...env } = process.env
    const kept = { ...env, NODE_COMPILE_CACHE: join(scratch, 'compiled') }
    const afresh = { ...env, NODE_DISABLE_COMPILE_CACHE: '1' }
    const empty = startOf(['--eval', '0'], scratch, kept)
    const results = COMMANDS.map((command): BenchResult => {
      const args = [CLI, ...command.split(' ')]
      const warm = startOf(args, scratch, kept)
      const cold = startOf(args, scratch, afresh)
      return {
        name: `start (${command})`,
        value: warm.wallMs,
        unit: 'ms',
        ratios: {
          'empty Node': warm.wallMs / empty.wallMs,
          'its processor time': warm.processorMs / empty.processorMs,
          'empty Node, nothing compiled': cold.wallMs / empty.wallMs,
          'its processor time, nothing compiled': cold.processorMs / empty.processorMs,
        },
        method: `a process from its start to its end, code compiled by an earlier one; median of ${ROUNDS}`,
      }
    })
    const listening = await untilListening(scratch, kept)
    return [
      ...results,
      {
        name: 'listen (serve, embedded store)',
        value: listening,
        unit: 'ms',
        ratios: { 'empty Node': listening / empty.wallMs },
        method: `serve on simulated providers, from its start to its address on stdout; median of ${SERVER_ROUNDS}`,
      },
      { name: 'empty Node', value: empty.wallMs, unit: 'ms', method: `node --eval 0; median of ${ROUNDS}` },
    ]
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

/** The first run compiles, and does not count. @throws {Error} for one that fails */
function startOf(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Start {
  const runs = Array.from({ length: ROUNDS + 1 }, (): Start => {
    const start = performance.now()
    const { status, output, stderr } = spawnSync(process.execPath, ['--import', TELLS_USAGE, ...args], {
      cwd,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    })
    const wallMs = performance.now() - start
    if (status !== 0) throw new Error(`${args.join(' ')} ends with ${status}: ${stderr}`)
    const { user, system } = JSON.parse(output[3] ?? '') as NodeJS.CpuUsage
    return { wallMs, processorMs: (user + system) / 1_000 }
  }).slice(1)
  return {
    wallMs: median(runs.map((run) => run.wallMs)),
    processorMs: median(runs.map((run) => run.processorMs)),
  }
}

async function untilListening(scratch: string, env: NodeJS.ProcessEnv): Promise<number> {
  const times: number[] = []
  for (let round = 0; round <= SERVER_ROUNDS; round++) {
    const start = performance.now()
    const args = `serve --json --port 0 --dataset crossroads --data-dir ${join(scratch, `data-${round}`)}`
    const server = spawn(process.execPath, [CLI, ...args.split(' ')], {
      cwd: scratch,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const ended = once(server, 'exit')
    await Promise.race([once(server.stdout, 'data'), ended])
    if (server.exitCode !== null) throw new Error(`serve ends with ${server.exitCode}`)
    times.push(performance.now() - start)
    // Whoever presses Ctrl-C is not made to wait for a load balancer.
    server.kill('SIGINT')
    await ended
  }
  return median(times.slice(1))
}
