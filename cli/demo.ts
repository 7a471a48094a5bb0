/** `highwayman demo`: a data set's prompts through a server, and what it learns of them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import {
  driveTraffic,
  openDataset,
  type PromptRow,
  renderTrafficLine,
  repeatRows,
  summarizeTraffic,
  type TrafficResult,
} from '../datasets/index.ts'
import { DEFAULT_DATASET, whole } from './flags.ts'
import { action, EXIT, jsonOption, type Output, print } from './run.ts'

interface DemoFlags extends Output {
  readonly dataset: string
  readonly prompts: number
  readonly concurrency: number
  readonly window: number
  readonly url?: string
}

/** Traffic of a dataset through a running server, with feedback; shows how choices, cost and quality move. */
async function demo(flags: DemoFlags): Promise<void> {
  const dataset = await openDataset(flags.dataset)
  const home = await mkdtemp(join(tmpdir(), 'highwayman-demo-'))
  const stop: (() => Promise<unknown>)[] = [() => rm(home, { recursive: true, force: true })]
  try {
    let url = flags.url
    if (url === undefined) {
      const { prepareGround, startOn } = await import('./ground.ts')
      const ground = await prepareGround({ dataset: flags.dataset, port: 0, dataDir: home, latencyScale: 0 })
      const { server, close } = await startOn(ground)
      stop.unshift(close)
      url = server.url
    }
    await showTraffic(flags, url, repeatRows(await collect(dataset.rows()), flags.prompts))
  } finally {
    for (const step of stop) await step()
  }
}

async function showTraffic(flags: DemoFlags, url: string, prompts: Iterable<PromptRow>): Promise<void> {
  const windows: TrafficResult[][] = [[]]
  if (!flags.json)
    process.stdout.write(
      `${flags.prompts} prompts of ${flags.dataset} through ${url}, each answer judged and fed back\n\n`,
    )
  const results = await driveTraffic({
    url,
    prompts,
    concurrency: flags.concurrency,
    onResult(result) {
      const current = windows.at(-1) ?? []
      current.push(result)
      if (current.length < flags.window) return
      if (!flags.json)
        process.stdout.write(renderTrafficLine(windows.length * flags.window, summarizeTraffic(current)))
      windows.push([])
    },
  })
  const full = windows.filter((window) => window.length === flags.window).map(summarizeTraffic)
  const total = summarizeTraffic(results)
  if (flags.json) {
    const plain = (summary: typeof total) => ({ ...summary, shares: Object.fromEntries(summary.shares) })
    print({ dataset: flags.dataset, total: plain(total), windows: full.map(plain) })
  } else process.stdout.write(`\nall ${renderTrafficLine(results.length, total)}`)
  if (total.failed > 0) {
    process.stderr.write(
      `${total.failed} requests failed, the first with: ${results.find((r) => r.error !== undefined)?.error}\n`,
    )
    process.exitCode = EXIT.failed
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export function demoCommand(command: Command): void {
  command
    .option('--dataset <name>', 'bundled name or folder', DEFAULT_DATASET)
    .option('--prompts <number>', 'how many', whole(1, 1_000_000), 3_000)
    .option('--window <number>', 'prompts per line', whole(1, 100_000), 250)
    .option('--concurrency <number>', 'requests under way at once', whole(1, 256), 8)
    .option(
      '--url <address>',
      'a running server (default: one of its own, on simulated providers, in a temporary folder)',
    )
    .addOption(jsonOption())
    .action(action(demo))
}
