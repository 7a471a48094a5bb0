/** `highwayman doctor`: the configuration explained, and whether what it names is there. */
import type { Command } from 'commander'
import { inspectSpool, openStore, type SpoolReport } from '../adapters/index.ts'
import { explainRegistry, explanationLines } from '../server/config/index.ts'
import type { Registry } from '../server/index.ts'
import { type GroundFlags, prepareGround } from './ground.ts'
import { action, EXIT, jsonOption, messageOf, type Output, print } from './run.ts'
import { findServer } from './running-server.ts'

/** Whether the configuration holds and its store opens. */
async function doctor(flags: Output & GroundFlags): Promise<void> {
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

export function doctorCommand(command: Command): void {
  command
    .option('--config <file>', 'YAML configuration (default: highwayman.yaml here, else the environment)')
    .option('--data-dir <folder>', 'where the embedded store keeps its files')
    .addOption(jsonOption())
    .action(action(doctor))
}
