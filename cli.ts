#!/usr/bin/env node
/**
 * The composition root: flags → configuration → the real clock, store and sockets → the server, the simulator or an
 * evaluation. Results go to stdout, progress and errors to stderr; errors leave by one door with a code.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { inspectSpool, openStore, type SpoolReport } from './adapters/index.ts'
import {
  action,
  addCommands,
  announceServer,
  DEFAULT_DATASET,
  EXIT,
  findServer,
  handleSignals,
  jsonOption,
  messageOf,
  number,
  type Output,
  print,
  type StopSignal,
  stepLine,
  whole,
} from './cli/index.ts'
import {
  driveTraffic,
  logRecord,
  openDataset,
  type PromptRow,
  renderTrafficLine,
  repeatRows,
  type Simulator,
  startSimulator,
  summarizeTraffic,
  type TrafficResult,
} from './datasets/index.ts'
import packageJson from './package.json' with { type: 'json' }
import {
  type ConfigWatcher,
  createIds,
  explainRegistry,
  explanationLines,
  findConfigFile,
  loadRegistry,
  type Registry,
  type RunningServer,
  registryFromSimulator,
  startBanner,
  startServer,
  watchConfig,
} from './server/index.ts'

/** Names this process among those that share a store. */
const REPLICA = `${hostname()}-${process.pid}`

// ── serve ──────────────────────────────────────────────────────────────────────────────────────────────────────────

interface ServeFlags extends Output {
  readonly config?: string
  readonly host?: string
  readonly port?: number
  readonly dataDir?: string
  readonly dataset?: string
  readonly latencyScale?: number
  readonly logLevel?: string
}

/** What the server runs on, and the simulator behind it when there is nothing else. */
interface Ground {
  readonly registry: Registry
  readonly configFile: string | undefined
  readonly simulator: Simulator | undefined
}

async function prepareGround(flags: ServeFlags): Promise<Ground> {
  const configFile = flags.config ?? findConfigFile(process.cwd())
  const wantsSimulator = flags.dataset !== undefined && flags.config === undefined
  const loaded = wantsSimulator
    ? undefined
    : loadRegistry({ path: configFile, env: process.env, dataDir: flags.dataDir })
  if (loaded !== undefined) return { registry: withFlags(loaded, flags), configFile, simulator: undefined }
  const dataset = await openDataset(flags.dataset ?? DEFAULT_DATASET)
  const simulator = await startSimulator({ dataset, latencyScale: flags.latencyScale ?? 1 })
  const registry = registryFromSimulator(
    simulator.arms.map(({ contextWindowTokens, routeId, ...arm }) => ({
      ...arm,
      id: routeId,
      ...(contextWindowTokens === undefined ? {} : { contextWindowTokens }),
    })),
    { dataDir: flags.dataDir, classes: simulator.categories },
  )
  return { registry: withFlags(registry, flags), configFile: undefined, simulator }
}

function withFlags(registry: Registry, flags: ServeFlags): Registry {
  const { host = registry.server.host, port = registry.server.port } = flags
  return { ...registry, server: { ...registry.server, host, port } }
}

interface Service {
  readonly server: RunningServer
  close(): Promise<void>
}

/** The simulator is closed with the server it stands behind, and when that does not start. */
async function startOn(
  { registry, simulator }: Ground,
  logger?: { readonly level: string },
): Promise<Service> {
  const closers: (() => Promise<unknown>)[] = [async () => simulator?.close()]
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0)) await closer()
  }
  try {
    const clock = { nowMs: () => Date.now() }
    const store = await openStore({
      ...registry.store,
      replica: REPLICA,
      onWriteError: (error) => process.stderr.write(`${error.message}\n`),
      onState: (state, detail) => process.stderr.write(`store: ${state} (${detail})\n`),
    })
    closers.unshift(() => store.close())
    const server = await startServer({
      registry,
      store,
      clock,
      ids: createIds(clock, randomBytes),
      replica: REPLICA,
      logRecord,
      ...(logger === undefined ? {} : { logger: { ...logger, stream: process.stderr } }),
    })
    closers.unshift(() => server.close())
    return { server, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function serve(flags: ServeFlags): Promise<void> {
  // From the start: a signal that comes while things open must find somebody who closes them.
  const stop = Promise.withResolvers<StopSignal>()
  let hasten = (): boolean => false
  let reload = (): void => {
    process.stderr.write('SIGHUP: there is no configuration file to read again\n')
  }
  handleSignals({
    onStop(signal, count) {
      if (count === 1) stop.resolve(signal)
      else if (!hasten()) process.exit(EXIT.failed)
    },
    onReload: () => reload(),
  })
  const ground = await prepareGround(flags)
  const { server, close } = await startOn(ground, { level: flags.logLevel ?? 'warn' })
  const { store } = ground.registry
  const withdraw = store.kind === 'embedded' ? announceServer(store.dataDir, server.url, REPLICA) : undefined
  const watcher = watchGround(ground, server, flags)
  if (watcher !== undefined) reload = () => watcher.reload()
  hasten = () => server.hasten()
  if (flags.json) {
    print({
      url: server.url,
      pid: process.pid,
      source: ground.registry.source,
      simulator: ground.simulator?.url ?? null,
    })
  } else {
    const promoted = server.promoted().models
    process.stdout.write(
      startBanner(ground.registry, { url: server.url, version: packageJson.version, promoted }),
    )
  }
  const signal = await stop.promise
  await server.close({
    // Whoever presses Ctrl-C or closes the terminal is no load balancer's keeper, and waits.
    announced: signal === 'SIGTERM',
    onStep(step) {
      process.stderr.write(`stopping: ${stepLine(step)}\n`)
      if (step.step !== 'draining') return
      // So far it was a server like any other.
      reload = () => {}
      watcher?.close()
      withdraw?.()
    },
  })
  await close()
}

function watchGround(ground: Ground, server: RunningServer, flags: ServeFlags): ConfigWatcher | undefined {
  if (ground.configFile === undefined) return undefined
  const watcher = watchConfig({
    path: ground.configFile,
    env: process.env,
    dataDir: flags.dataDir,
    running: ground.registry,
    onRegistry(next, ignored) {
      server.reload(next)
      process.stderr.write(
        `${ground.configFile} reloaded: ${next.arms.size} arms, ${next.models.size} models\n`,
      )
      if (ignored.length > 0) process.stderr.write(`takes effect at the next start: ${ignored.join(', ')}\n`)
    },
    onError(error) {
      process.stderr.write(`${error.message}\nthe running configuration stays\n`)
    },
  })
  return watcher
}

// ── doctor ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Whether the configuration holds and its store opens. */
async function doctor(flags: ServeFlags): Promise<void> {
  const ground = await prepareGround({ ...flags, latencyScale: 0 })
  await ground.simulator?.close()
  const explanation = explainRegistry(ground.registry)
  const { store } = ground.registry
  // An embedded store that a server has open is open; nobody else can try.
  const server = store.kind === 'embedded' ? await findServer(store.dataDir) : undefined
  const storeProblem = server === undefined ? await checkStore(ground.registry) : undefined
  const { spool: location } = store
  const spool = location && inspectSpool(location.directory)
  const ok = storeProblem === undefined && spool?.problem === undefined
  if (flags.json) {
    print({
      ok,
      ...explanation,
      server: server ?? null,
      storeProblem: storeProblem ?? null,
      spool: spool ?? null,
    })
  } else {
    const lines = [
      ...explanationLines(explanation),
      server !== undefined
        ? `store opens: yes, it is open in the server at ${server}`
        : storeProblem === undefined
          ? 'store opens: yes'
          : `store opens: NO  ${storeProblem}`,
      ...(spool === undefined ? [] : spoolLines(spool)),
    ]
    process.stdout.write(`${lines.join('\n')}\n`)
  }
  if (!ok) process.exitCode = EXIT.failed
}

function spoolLines({ directory, problem, bytes, slotsInUse, damaged, refused }: SpoolReport): string[] {
  const held = `${slotsInUse} in use, ${bytes} bytes wait to be written`
  return [
    `spool          ${directory}  ${problem === undefined ? held : `NO  ${problem}`}`,
    ...damaged.map(
      (file) => `warning        spool: ${file} was damaged; what could be read of it was written`,
    ),
    ...refused.map((file) => `warning        spool: ${file} holds rows that ClickHouse has refused`),
  ]
}

async function checkStore({ store }: Registry): Promise<string | undefined> {
  try {
    // Without the spool: what waits in it is for the server to write.
    const opened = await openStore({ ...store, spool: undefined, replica: 'doctor' })
    await opened.ping()
    await opened.close()
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

// ── demo ───────────────────────────────────────────────────────────────────────────────────────────────────────────

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

// ── flags ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const program = new Command('highwayman')
  .description(
    'An adaptive routing engine for model providers: one address that learns which model answers what best.',
  )
  .version(packageJson.version)
  .showHelpAfterError('(add --help for the flags)')
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT.badInput))

program
  .command('serve', { isDefault: true })
  .description('run the routing API; without a configuration or provider keys, on simulated providers')
  .option('--config <file>', 'YAML configuration (default: highwayman.yaml here, else the environment)')
  .option('--host <address>', 'address to listen on (default: from the configuration, else 127.0.0.1)')
  .option(
    '--port <number>',
    'port to listen on, 0 for any (default: from the configuration, else 8787)',
    whole(0, 65_535),
  )
  .option('--data-dir <folder>', 'where the embedded store keeps its files')
  .option('--dataset <name>', 'simulate the providers from this data set, whatever keys there are')
  .option('--latency-scale <factor>', 'factor on all simulated times, 0 for none', number(0, 1_000))
  .addOption(
    new Option('--log-level <level>', 'what to log to stderr')
      .choices(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
      .default('warn'),
  )
  .addOption(jsonOption())
  .action(action(serve))

program
  .command('doctor')
  .description('explain the configuration, and check that the store opens')
  .option('--config <file>', 'YAML configuration (default: highwayman.yaml here, else the environment)')
  .option('--data-dir <folder>', 'where the embedded store keeps its files')
  .addOption(jsonOption())
  .action(action(doctor))

program
  .command('demo')
  .description(
    'send a data set’s prompts through a server, feed back how good the answers were, and watch it learn',
  )
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

addCommands(program)
const [command = ''] = process.argv.slice(2)
// To the default command it would be an argument too many.
if (
  /^[^-]/.test(command) &&
  command !== 'help' &&
  !program.commands.some((known) => known.name() === command)
) {
  program.error(`error: unknown command '${command}'`)
}
await program.parseAsync()
