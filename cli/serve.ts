/** `highwayman serve`: the routing API, until a signal ends it. */
import { type Command, Option } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import type { ConfigWatcher, RunningServer } from '../server/index.ts'
import { number, whole } from './flags.ts'
import type { Ground, GroundFlags } from './ground.ts'
import { action, EXIT, jsonOption, type Output, print } from './run.ts'
import { announceServer } from './running-server.ts'
import { handleSignals, type StopSignal } from './signals.ts'
import { stepLine } from './stopping.ts'

interface ServeFlags extends Output, GroundFlags {
  readonly logLevel?: string
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
  const { prepareGround, REPLICA, startOn } = await import('./ground.ts')
  const ground = await prepareGround(flags)
  const { server, close } = await startOn(ground, { level: flags.logLevel ?? 'warn' })
  const { store } = ground.registry
  const withdraw = store.kind === 'embedded' ? announceServer(store.dataDir, server.url, REPLICA) : undefined
  const watcher = await watchGround(ground, server, flags)
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
    const { startBanner } = await import('../server/config/index.ts')
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

async function watchGround(
  ground: Ground,
  server: RunningServer,
  flags: ServeFlags,
): Promise<ConfigWatcher | undefined> {
  if (ground.configFile === undefined) return undefined
  const { watchConfig } = await import('../server/config/index.ts')
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

export function serveCommand(command: Command): void {
  command
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
}
