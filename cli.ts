#!/usr/bin/env node
/**
 * The composition root: flags → configuration → the real clock, store and sockets → the server, the simulator or an
 * evaluation. Results go to stdout, progress and errors to stderr; errors leave by one door with a code.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { SingleBar } from 'cli-progress'
import { Command, InvalidArgumentError, Option } from 'commander'
import { inspectSpool, openStore, type SpoolReport } from './adapters/index.ts'
import {
  driveTraffic,
  openDataset,
  openScenario,
  type PromptRow,
  renderTrafficLine,
  repeatRows,
  type Simulator,
  startSimulator,
  summarizeTraffic,
  type TrafficResult,
} from './datasets/index.ts'
import { type PolicyFile, readPolicyFile, writePolicyFile } from './engine/index.ts'
import {
  type ClassBy,
  fitPolicyFile,
  POLICY_NAMES,
  renderReplayTable,
  renderScenarioTable,
  replay,
  replayScenario,
  toReplayJson,
} from './eval/index.ts'
import packageJson from './package.json' with { type: 'json' }
import {
  ConfigError,
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

const DEFAULT_DATASET = 'crossroads'
/** Exit codes: the command's own failure, and an input that has to be mended first. */
const EXIT = { failed: 1, badInput: 2 } as const

interface Output {
  readonly json?: boolean
}
const jsonOption = () => new Option('--json', 'print JSON for scripts')

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
    const replica = `${hostname()}-${process.pid}`
    const store = await openStore({
      ...registry.store,
      replica,
      onWriteError: (error) => process.stderr.write(`${error.message}\n`),
      onState: (state, detail) => process.stderr.write(`store: ${state} (${detail})\n`),
    })
    closers.unshift(() => store.close())
    const server = await startServer({
      registry,
      store,
      clock,
      ids: createIds(clock, randomBytes),
      replica,
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
  const signalled = untilSignalled()
  const ground = await prepareGround(flags)
  const { server, close } = await startOn(ground, { level: flags.logLevel ?? 'warn' })
  const watcher = watchGround(ground, server, flags)
  if (flags.json) {
    print({
      url: server.url,
      pid: process.pid,
      source: ground.registry.source,
      simulator: ground.simulator?.url ?? null,
    })
  } else process.stdout.write(startBanner(ground.registry, { url: server.url, version: packageJson.version }))
  await signalled
  if (!flags.json) process.stderr.write('stopping: finishing what runs, then writing what is queued\n')
  watcher?.close()
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
  process.on('SIGHUP', () => watcher.reload())
  return watcher
}

/** Resolves at the first SIGINT or SIGTERM; the second one ends the process at once. */
function untilSignalled(): Promise<void> {
  return new Promise((done) => {
    let signals = 0
    const onSignal = (): void => {
      if (++signals > 1) process.exit(EXIT.failed)
      done()
    }
    process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  })
}

// ── simulate ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function simulate(
  flags: Output & { dataset: string; host: string; port: number; seed: number; latencyScale: number },
): Promise<void> {
  const signalled = untilSignalled()
  const { host, port, seed, latencyScale } = flags
  const simulator = await startSimulator({
    dataset: await openDataset(flags.dataset),
    host,
    port,
    seed,
    latencyScale,
  })
  if (flags.json) print({ url: simulator.url, ...simulator.state() })
  else {
    const arms = simulator.arms.map(
      (arm) => `  ${arm.id.padEnd(36)} ${arm.dialect.padEnd(18)} ${arm.baseUrl}  model ${arm.upstreamModel}`,
    )
    process.stdout.write(
      `simulating ${flags.dataset} on ${simulator.url}\n${arms.join('\n')}\n  faults: PUT ${simulator.url}/_simulator/faults/{arm} {"kind": "down"}; state: GET ${simulator.url}/_simulator/state\n`,
    )
  }
  await signalled
  await simulator.close()
}

// ── replay ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface ReplayFlags extends Output {
  readonly dataset: string
  readonly policy: string
  readonly online?: boolean
  readonly split?: string
  readonly seeds?: number
  readonly seed?: number
  readonly costWeight?: number
  readonly floor?: number
  readonly classBy?: ClassBy
  readonly textComponents?: number
  readonly arms?: string
  readonly budgetUsd?: number
  readonly warmStart?: string
  readonly scenario?: string
}

async function runReplay(flags: ReplayFlags): Promise<void> {
  const { json, dataset: name, arms, warmStart, policy, scenario: scenarioName, ...rest } = flags
  const scenario = scenarioName === undefined ? undefined : await openScenario(scenarioName)
  const policyFile = policy.endsWith('.json') ? await loadPolicyFile(policy) : undefined
  const bar = progressBar()
  const options = {
    ...rest,
    dataset: await openDataset(name),
    policy: policyFile?.policy ?? policy,
    ...(policyFile !== undefined && { policyFile }),
    ...(arms === undefined ? {} : { arms: arms.split(',') }),
    ...(warmStart === undefined ? {} : { warmStart: warmStart.split(',') }),
    onProgress: (done: number, total: number) => bar.update(done, total),
  }
  if (scenario === undefined) {
    const result = await replay(options).finally(() => bar.stop())
    if (json) print(toReplayJson(result))
    else process.stdout.write(renderReplayTable(result))
  } else {
    const result = await replayScenario({ ...options, scenario }).finally(() => bar.stop())
    if (json) print(result)
    else process.stdout.write(renderScenarioTable(result))
  }
}

/** @throws {EngineError} `engine_bad_policy_file`; and what reading throws */
async function loadPolicyFile(path: string): Promise<PolicyFile> {
  return readPolicyFile(parseJson(path, await readFile(path, 'utf8')))
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw Object.assign(new Error(`${path} is not JSON: ${messageOf(cause)}`, { cause }), {
      code: 'config_unreadable',
    })
  }
}

// ── fit ────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface FitFlags extends Output {
  readonly dataset: string
  readonly policy: string
  readonly split: string
  readonly out: string
  readonly effectiveSamples?: number
  readonly textComponents?: number
  readonly classBy?: ClassBy
  readonly arms?: string
}

async function fit(flags: FitFlags): Promise<void> {
  const { json, dataset: name, arms, out, ...options } = flags
  const bar = progressBar()
  const file = await fitPolicyFile({
    ...options,
    dataset: await openDataset(name),
    createdMs: Date.now(),
    ...(arms === undefined ? {} : { arms: arms.split(',') }),
    onProgress: (done, total) => bar.update(done, total),
  }).finally(() => bar.stop())
  await writeFile(out, writePolicyFile(file))
  const { rows, split } = file.provenance
  if (json) print({ out, rows, split, sums: file.sums.length })
  else process.stdout.write(`${out}: ${file.sums.length} sums from ${rows} rows of ${name}, ${split}\n`)
}

/** On stderr, and only where somebody watches. */
function progressBar(): { update(done: number, total: number): void; stop(): void } {
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
      bar.update(done)
    },
    stop() {
      if (started) bar.stop()
    },
  }
}

// ── doctor ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Whether the configuration holds and its store opens. */
async function doctor(flags: ServeFlags): Promise<void> {
  const ground = await prepareGround({ ...flags, latencyScale: 0 })
  await ground.simulator?.close()
  const explanation = explainRegistry(ground.registry)
  const storeProblem = await checkStore(ground.registry)
  const { spool: location } = ground.registry.store
  const spool = location && inspectSpool(location.directory)
  const ok = storeProblem === undefined && spool?.problem === undefined
  if (flags.json) print({ ok, ...explanation, storeProblem: storeProblem ?? null, spool: spool ?? null })
  else {
    const lines = [
      ...explanationLines(explanation),
      storeProblem === undefined ? 'store opens: yes' : `store opens: NO  ${storeProblem}`,
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

// ── the one door ───────────────────────────────────────────────────────────────────────────────────────────────────

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Runs a command; a failure is told once, with its code, and decides the exit code. */
function action<Flags extends Output>(run: (flags: Flags) => Promise<void>): (flags: Flags) => Promise<void> {
  return async (flags) => {
    try {
      await run(flags)
    } catch (error) {
      const code =
        error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
      if (flags.json) print({ error: { code: code ?? 'internal', message: messageOf(error) } })
      process.stderr.write(
        `highwayman: ${code === undefined && error instanceof Error ? error.stack : messageOf(error)}\n`,
      )
      const isInput =
        error instanceof ConfigError ||
        /^(dataset|eval|config)_/.test(code ?? '') ||
        code === 'engine_bad_policy_file'
      process.exitCode = isInput ? EXIT.badInput : EXIT.failed
    }
  }
}

function number(least: number, most: number, { whole = false } = {}): (text: string) => number {
  return (text) => {
    const value = Number(text)
    const ok = text.trim() !== '' && value >= least && value <= most && (!whole || Number.isInteger(value))
    if (!ok)
      throw new InvalidArgumentError(`expected a ${whole ? 'whole ' : ''}number from ${least} to ${most}`)
    return value
  }
}
const positive = (unit: string) => (text: string) => {
  const value = Number(text)
  if (!(value > 0 && value < Infinity)) throw new InvalidArgumentError(`expected a number above 0, ${unit}`)
  return value
}
const whole = (least: number, most: number) => number(least, most, { whole: true })

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
  .command('simulate')
  .description('run the provider simulator alone: three wire formats, outcomes of a data set')
  .option('--dataset <name>', 'bundled name or folder', DEFAULT_DATASET)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--port <number>', 'port to listen on, 0 for any', whole(0, 65_535), 0)
  .option('--seed <number>', 'seed of all that is drawn', whole(0, 2 ** 31), 1)
  .option('--latency-scale <factor>', 'factor on all times, 0 for none', number(0, 1_000), 1)
  .addOption(jsonOption())
  .action(action(simulate))

program
  .command('replay')
  .description('judge a policy on a data set where every arm’s outcome is known')
  .requiredOption('--dataset <name>', 'bundled name, or a folder with prompts.jsonl[.gz] and models.json')
  .option('--policy <name>', `${POLICY_NAMES}; or a policy file (.json)`, 'thompson')
  .option('--online', 'learn as the rows come, from the chosen arm alone')
  .option('--split <name>', 'rows to judge on: a split of the set, or all (default: test, online all)')
  .option('--seeds <number>', 'how many orders or draws (default: 5)', whole(1, 1_000))
  .option('--seed <number>', 'the first seed (default: 1)', whole(0, 2 ** 31))
  .option(
    '--cost-weight <w>',
    'reward is quality − w · cost / mean cost of the dearest arm (default: 0)',
    number(0, 1e9),
  )
  .option('--floor <p>', 'probability spread evenly over the arms', number(0, 0.999))
  .addOption(
    new Option('--class-by <field>', 'what the request class is').choices(['category', 'task', 'inferred']),
  )
  .option('--text-components <k>', 'coordinates of the prompt’s text (default: 0)', whole(0, 40))
  .option('--arms <ids>', 'only these arms, separated by commas')
  .option(
    '--budget-usd <x>',
    'keep to a mean cost of x USD per request (online)',
    positive('USD per request'),
  )
  .option(
    '--warm-start <splits>',
    'learn every arm’s outcome on these splits first, separated by commas (online)',
  )
  .option('--scenario <name>', 'what happens to the arms on the way: bundled name or JSON file (online)')
  .addOption(jsonOption())
  .action(action(runReplay))

program
  .command('fit')
  .description('learn from a split where every arm’s outcome is known, into a policy file to start from')
  .requiredOption('--dataset <name>', 'bundled name, or a folder with prompts.jsonl[.gz] and models.json')
  .requiredOption('--out <file>', 'where to write the policy file')
  .option('--policy <name>', 'the policy it is for: as for replay', 'thompson')
  .option('--split <name>', 'rows to learn from', 'train')
  .option(
    '--effective-samples <n>',
    'observations that each arm’s sums count as at most (default: 2000)',
    number(1, 1e9),
  )
  .addOption(
    new Option('--class-by <field>', 'what the request class is').choices(['category', 'task', 'inferred']),
  )
  .option('--text-components <k>', 'coordinates of the prompt’s text (default: 0)', whole(0, 40))
  .option('--arms <ids>', 'only these arms, separated by commas')
  .addOption(jsonOption())
  .action(action(fit))

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

await program.parseAsync()
