/**
 * Requests per second through the gateway (routing, learning and the store on) against a bare fastify + undici proxy in
 * front of the same upstream. Load, upstream and proxy are processes of their own; the two proxies take turns, so a
 * machine that slows down slows both, and the ratio of each pair is what counts.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import autocannon from 'autocannon'
import packageJson from '../../package.json' with { type: 'json' }
import { type BenchResult, median } from './report.ts'

const PAIRS = 5
const SECONDS = 4
/** Until the compilers have settled. */
const WARM_UP_SECONDS = 6
const CONNECTIONS = 32
const repository = resolve(import.meta.dirname, '..', '..')

export async function benchGateway(): Promise<BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'highwayman-bench-'))
  const children: ChildProcess[] = []
  try {
    const upstream = (await startChild(children, ['test/bench/upstream.ts'])).url
    const bare = await startChild(children, ['test/bench/bare-proxy.ts', upstream])
    const config = join(folder, 'bench.yaml')
    await writeFile(config, gatewayConfig(upstream, folder))
    const gateway = await startChild(children, [
      ...startArguments(),
      '--config',
      config,
      '--port',
      '0',
      '--json',
    ])
    return [
      await compare('gateway', bare, gateway, false),
      await compare('gateway stream', bare, gateway, true),
    ]
  } finally {
    for (const child of children) child.kill('SIGTERM')
    await Promise.all(
      children.map((child) => child.exitCode ?? new Promise((done) => child.once('exit', done))),
    )
    await rm(folder, { recursive: true, force: true })
  }
}

export interface RunningServer {
  readonly url: string
  readonly pid: number
}

async function compare(
  name: string,
  bare: RunningServer,
  gateway: RunningServer,
  stream: boolean,
): Promise<BenchResult> {
  const { rate, ratio, cpuRatio } = await alternate(bare, gateway, stream)
  return {
    name,
    value: rate,
    unit: 'requests/s',
    ratios: { bareProxy: ratio, ...(process.platform === 'linux' && { bareProxyCpu: cpuRatio }) },
    method: `${stream ? 'streamed, 43 chunks' : 'whole answers'}, 4 arms, ${CONNECTIONS} connections, median of ${PAIRS} pairs of ${SECONDS} s, all processes on this machine; bareProxyCpu: the same by processor time of the proxy alone, store included`,
  }
}

interface Comparison {
  readonly rate: number
  readonly ratio: number
  readonly cpuRatio: number
}

/**
 * Requests per second of the second server, and the median ratios of each pair of runs, second over first: by requests per
 * second, and by requests per second of processor time.
 */
export async function alternate(
  first: RunningServer,
  second: RunningServer,
  stream: boolean,
): Promise<Comparison> {
  await load(first, stream, WARM_UP_SECONDS)
  await load(second, stream, WARM_UP_SECONDS)
  const rates: number[] = []
  const ratios: number[] = []
  const cpuRatios: number[] = []
  for (let pair = 0; pair < PAIRS; pair++) {
    const without = await load(first, stream, SECONDS)
    const withSecond = await load(second, stream, SECONDS)
    rates.push(withSecond.perSecond)
    ratios.push(withSecond.perSecond / without.perSecond)
    cpuRatios.push(without.cpuSeconds / withSecond.cpuSeconds)
  }
  const rounded = (values: readonly number[]) => Number(median(values).toFixed(3))
  return { rate: median(rates), ratio: rounded(ratios), cpuRatio: rounded(cpuRatios) }
}

interface Load {
  readonly perSecond: number
  /** Processor time of the proxy and its children for one request; NaN where the system does not tell. */
  readonly cpuSeconds: number
}

/** @throws when any answer was not a 200: a fast refusal must not count as speed */
async function load({ url, pid }: RunningServer, stream: boolean, seconds: number): Promise<Load> {
  const before = cpuSeconds(pid)
  const result = await autocannon({
    url: `${url}/v1/chat/completions`,
    method: 'POST',
    connections: CONNECTIONS,
    duration: seconds,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'auto',
      stream,
      messages: [
        { role: 'system', content: 'You answer briefly.' },
        { role: 'user', content: 'Which of these two sorting algorithms is stable, and why does it matter?' },
      ],
    }),
  })
  if (result.non2xx + result.errors > 0) {
    throw new Error(`${url}: ${result.non2xx} answers other than 2xx and ${result.errors} errors under load`)
  }
  return {
    perSecond: result.requests.average,
    cpuSeconds: (cpuSeconds(pid) - before) / result.requests.total,
  }
}

/** Linux counts it in hundredths of a second (proc(5), `stat`: utime and stime). */
function cpuSeconds(pid: number): number {
  if (process.platform !== 'linux') return Number.NaN
  const read = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8')
  const stat = read('stat')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const own = (Number(fields[11]) + Number(fields[12])) / 100
  const children = read(`task/${pid}/children`).split(' ').filter(Boolean)
  return children.reduce((sum, child) => sum + cpuSeconds(Number(child)), own)
}

/** As `npm start` starts it, Node's flags included. */
export function startArguments(): readonly string[] {
  const words = packageJson.scripts.start.split(' ')
  const rest = words.slice(words.indexOf('node') + 1)
  return rest
}

export function gatewayConfig(upstream: string, folder: string): string {
  const arms = ['a', 'b', 'c', 'd'].map(
    (name, i) =>
      `  bench/${name}: { price: { inputUsdPerMtok: ${i + 1}, outputUsdPerMtok: ${2 * (i + 1)} }, capabilities: [streaming, tools] }`,
  )
  return [
    'providers:',
    `  bench: { type: openai-compatible, baseUrl: ${upstream}/v1, apiKey: none }`,
    'arms:',
    ...arms,
    'models:',
    '  auto: { arms: [bench/a, bench/b, bench/c, bench/d], preferences: { usdPerQualityPoint: 0.001 } }',
    `store: { dataDir: ${join(folder, 'data')} }`,
    '',
  ].join('\n')
}

/** Starts a script and resolves to its address once it has printed its port or, as JSON, its `url`. */
export async function startChild(children: ChildProcess[], args: readonly string[]): Promise<RunningServer> {
  const child = spawn(process.execPath, args, { cwd: repository, stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const line = await new Promise<string>((done, fail) => {
    createInterface({ input: child.stdout }).once('line', done)
    child.once('exit', (code) => fail(new Error(`${args[0]} ended with ${code} before it was listening`)))
  })
  const url = line.startsWith('{') ? (JSON.parse(line) as { url: string }).url : `http://127.0.0.1:${line}`
  return { url, pid: child.pid ?? 0 }
}
