/**
 * The command line: flags → configuration → the real clock, store and sockets → the server, the simulator or an evaluation.
 * Results go to stdout, progress and errors to stderr; errors leave by one door with a code.
 *
 * A command's file is loaded when that command is given: nobody waits for the server to load in order to draw a report.
 */
import { Command, Help } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { EXIT } from './run.ts'

/** What the list of commands says of one, and how to get its flags and its action. */
export interface CommandEntry {
  /** As the list shows it; its first word is the name. */
  readonly term: string
  readonly description: string
  /** Gives the function that adds the command's flags, its commands and its action to it. */
  readonly load: () => Promise<(command: Command) => void>
}

/** What runs where no command is given. */
const DEFAULT_COMMAND = 'serve'

/** In the order of the list. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    term: 'serve [options]',
    description: 'run the routing API; without a configuration or provider keys, on simulated providers',
    load: async () => (await import('./serve.ts')).serveCommand,
  },
  {
    term: 'doctor [options]',
    description: 'explain the configuration, and check that the store opens',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  {
    term: 'demo [options]',
    description:
      'send a data set’s prompts through a server, feed back how good the answers were, and watch it learn',
    load: async () => (await import('./demo.ts')).demoCommand,
  },
  {
    term: 'simulate [options]',
    description: 'run the provider simulator alone: three wire formats, outcomes of a data set',
    load: async () => (await import('./simulate.ts')).simulateCommand,
  },
  {
    term: 'replay [options]',
    description: 'judge a policy on a data set where every arm’s outcome is known',
    load: async () => (await import('./replay.ts')).replayCommand,
  },
  {
    term: 'evaluate [options]',
    description:
      'judge a policy on logged traffic that another one made, with intervals; exit code 3 where the log allows no estimate',
    load: async () => (await import('./evaluate.ts')).evaluateCommand,
  },
  {
    term: 'fit [options]',
    description: 'learn from a split where every arm’s outcome is known, into a policy file to start from',
    load: async () => (await import('./fit.ts')).fitCommand,
  },
  {
    term: 'tune [options]',
    description:
      'search for the settings of a policy on rows whose every outcome is known, into a policy file',
    load: async () => (await import('./tune.ts')).tuneCommand,
  },
  {
    term: 'log',
    description:
      'the decisions and what came of them, to files and from them: Parquet, JSON lines, VW’s dsjson',
    load: async () => (await import('./log.ts')).logCommand,
  },
  {
    term: 'erase [options]',
    description: 'take everything about a tenant or a user out of the store, and what was learned from it',
    load: async () => (await import('./erase.ts')).eraseCommand,
  },
  {
    term: 'experiment',
    description:
      'experiments between policies on a running server: who takes part, what it shows, what becomes of it',
    load: async () => (await import('./experiment.ts')).experimentCommand,
  },
  {
    term: 'datasets',
    description: 'sets of outcomes and logs of bandits: list, describe, validate, convert, split, fetch',
    load: async () => (await import('./datasets.ts')).datasetsCommand,
  },
  {
    term: 'promote [options] <policy>',
    description:
      'give a policy a share of the traffic, or all of it, if an evaluation on record lets it through',
    load: async () => (await import('./promote.ts')).promoteCommand,
  },
  {
    term: 'rollback [options]',
    description: 'end a canary; without one, go back to what was live before',
    load: async () => (await import('./promote.ts')).rollbackCommand,
  },
  {
    term: 'policies',
    description: 'policies on record, and what became of them',
    load: async () => (await import('./policies.ts')).policiesCommand,
  },
]

/** @param argv as `process.argv` */
export async function run(argv: readonly string[]): Promise<void> {
  const program = new Command('highwayman')
    .description(
      'An adaptive routing engine for model providers: one address that learns which model answers what best.',
    )
    .version(packageJson.version)
    .showHelpAfterError('(add --help for the flags)')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT.badInput))
  const entries = new Map<Command, CommandEntry>()
  for (const entry of COMMANDS) {
    const { term, description } = entry
    const [name = ''] = term.split(' ')
    const command = program.command(name, { isDefault: name === DEFAULT_COMMAND }).description(description)
    entries.set(command, entry)
  }
  // Only now: the commands above would inherit it, and theirs below them are all there to be asked.
  program.configureHelp({
    subcommandTerm: (command) => entries.get(command)?.term ?? new Help().subcommandTerm(command),
  })

  const words = argv.slice(2)
  const named = (word: string | undefined) => program.commands.find((command) => command.name() === word)
  if (/^[^-]/.test(words[0] ?? '') && words[0] !== 'help' && named(words[0]) === undefined) {
    // To the default command it would be an argument too many.
    program.error(`error: unknown command '${words[0]}'`)
  }
  // Before the parsing, which reads the defaults of flags before any hook of Commander's.
  const [first, second] = words[0] === '--' ? words.slice(1) : words
  const given = first === 'help' ? named(second) : (named(first) ?? named(DEFAULT_COMMAND))
  const entry = given && entries.get(given)
  if (given !== undefined && entry !== undefined) (await entry.load())(given)
  await program.parseAsync([...argv])
}
