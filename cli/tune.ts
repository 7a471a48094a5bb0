/** `highwayman tune`: settings of a policy, searched for on a data set whose every outcome is known. */
import { writeFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { openDataset } from '../datasets/index.ts'
import { writePolicyFile } from '../engine/index.ts'
import {
  type ClassBy,
  OBJECTIVE_NAMES,
  type ObjectiveName,
  POLICY_NAMES,
  renderTuneTable,
  tune,
} from '../eval/index.ts'
import packageJson from '../package.json' with { type: 'json' }
import { number, whole } from './flags.ts'
import { progressBar } from './progress.ts'
import { action, jsonOption, type Output, print } from './run.ts'

interface Budget {
  readonly trials?: number
  readonly minutes?: number
}

interface TuneFlags extends Output {
  readonly dataset: string
  readonly out: string
  readonly split: string
  readonly task?: string
  readonly arms?: string
  readonly classBy?: ClassBy
  readonly objective: ObjectiveName
  readonly costWeight?: number
  readonly policy?: string
  readonly floor?: number
  readonly budget: Budget
  readonly seed?: number
}

const MINUTE_MS = 60_000

async function runTune(flags: TuneFlags): Promise<void> {
  const { json, dataset: name, out, split, task, arms, budget, ...rest } = flags
  const bar = progressBar()
  const { trials, minutes } = budget
  const result = await tune({
    ...rest,
    dataset: await openDataset(name),
    splits: split.split(','),
    ...(task === undefined ? {} : { tasks: task.split(',') }),
    ...(arms === undefined ? {} : { arms: arms.split(',') }),
    ...(trials === undefined ? {} : { trials }),
    ...(minutes === undefined
      ? {}
      : { deadlineMs: performance.now() + minutes * MINUTE_MS, nowMs: () => performance.now() }),
    createdMs: Date.now(),
    versions: { highwayman: packageJson.version, node: process.versions.node },
    onProgress: (done, total) => bar.update(done, total),
  }).finally(() => bar.stop())
  await writeFile(out, writePolicyFile(result.file))
  if (!json) {
    process.stdout.write(
      `${renderTuneTable(result)}${out}: written; promote it, or judge it: highwayman replay --policy ${out}\n`,
    )
    return
  }
  const { best, tuning, finalists, complete, rows } = result
  print({
    out,
    dataset: result.dataset,
    split,
    rows,
    arms: result.arms,
    policy: best.policy,
    best,
    finalists,
    complete,
    tuning,
  })
}

/** `30`, `30 trials`, `10m` or `10 minutes`. */
function budgetOf(text: string): Budget {
  const match = /^(\d+(?:\.\d+)?)\s*(m|min|minutes?|t|trials?)?$/.exec(text.trim())
  const value = Number(match?.[1])
  const isMinutes = match?.[2]?.startsWith('m') ?? false
  if (match === null || !(value > 0) || (!isMinutes && !(Number.isInteger(value) && value <= MOST_TRIALS))) {
    throw new InvalidArgumentError('expected a number of trials (30) or of minutes (10m)')
  }
  return isMinutes ? { minutes: value, trials: MOST_TRIALS_IN_TIME } : { trials: value }
}

const MOST_TRIALS = 100_000
/** More than fit into any patience: the clock ends it. */
const MOST_TRIALS_IN_TIME = 300

export function tuneCommand(program: Command): void {
  program
    .command('tune')
    .description(
      'search for the settings of a policy on rows whose every outcome is known, into a policy file',
    )
    .requiredOption('--dataset <name>', 'bundled name, or a folder with prompts.jsonl[.gz] and models.json')
    .requiredOption('--out <file>', 'where to write the policy file')
    .option('--split <names>', 'rows to tune on, separated by commas; no others are looked at', 'train')
    .addOption(
      new Option(
        '--objective <name>',
        'aiq: height of the cost–quality curve; reward: at --cost-weight; online: that, while learning',
      )
        .choices(OBJECTIVE_NAMES)
        .default('aiq'),
    )
    .option(
      '--cost-weight <w>',
      'reward is quality − w · cost / mean cost of the dearest arm (default: 0)',
      number(0, 1e9),
    )
    .addOption(
      new Option('--budget <n>', 'settings to try (30), or minutes to take (10m)')
        .argParser(budgetOf)
        .default({}, '30'),
    )
    .option('--policy <name>', `fixed, instead of searched: ${POLICY_NAMES}`)
    .option(
      '--floor <p>',
      'fixed, instead of searched: probability spread evenly over the arms',
      number(0, 0.999),
    )
    .option('--seed <number>', 'of the search (default: 1)', whole(0, 2 ** 31))
    .option('--task <names>', 'only rows of these tasks, separated by commas')
    .addOption(
      new Option('--class-by <field>', 'what the request class is').choices(['category', 'task', 'inferred']),
    )
    .option('--arms <ids>', 'only these arms, separated by commas')
    .addOption(jsonOption())
    .action(action(runTune))
}
