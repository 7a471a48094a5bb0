/** `highwayman tune`: settings of a policy, searched for on a data set whose every outcome is known. */
import { writeFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { writePolicyFile } from '../engine/index.ts'
import {
  type ClassBy,
  LOG_OBJECTIVES,
  type LogObjective,
  OBJECTIVE_NAMES,
  type ObjectiveName,
  POLICY_NAMES,
  renderLogTuneTable,
  renderTuneTable,
  TEXT_CHOICES,
  type TextChoice,
  tune,
  tuneOnLog,
} from '../eval/index.ts'
import packageJson from '../package.json' with { type: 'json' }
import { serverOptions } from './admin-client.ts'
import { type ClassFlags, classesOf, classMapOf, classOptions, labelLines } from './classes.ts'
import { storeOptions } from './configured-store.ts'
import { type LogSource, withLog } from './evaluation-log.ts'
import { configuredArms } from './evaluation-target.ts'
import { number, whole } from './flags.ts'
import { type ArmFlags, armMapOption, openDatasetAs } from './name-map.ts'
import { checkFolderOf, loadPolicyFile } from './policy-file.ts'
import { progressBar } from './progress.ts'
import { action, EXIT, jsonOption, type Output, print, time } from './run.ts'

interface Budget {
  readonly trials?: number
  readonly minutes?: number
}

interface TuneFlags extends Output, ClassFlags, ArmFlags {
  readonly dataset?: string
  readonly log?: string[]
  readonly out: string
  readonly split: string
  readonly task?: string
  readonly arms?: string
  readonly classBy?: ClassBy
  readonly objective?: ObjectiveName | LogObjective
  readonly costWeight?: number
  readonly policy?: string
  readonly floor?: number
  readonly text?: TextChoice
  readonly budget: Budget
  readonly seed?: number
  readonly from?: number
  readonly to?: number
}

const MINUTE_MS = 60_000

async function runTune(flags: TuneFlags): Promise<void> {
  if ((flags.dataset === undefined) === (flags.log === undefined)) {
    throw badFlags('give one of --dataset, whose every outcome is known, and --log')
  }
  await checkFolderOf(flags.out)
  if (flags.log === undefined) await tuneOnDataset(flags)
  else await tuneOnLogOf(flags, flags.log)
}

async function tuneOnDataset(flags: TuneFlags): Promise<void> {
  const { out, split, task, arms, budget, classBy, costWeight, policy, floor, text, seed } = flags
  const { trials, minutes } = budget
  const objective = OBJECTIVE_NAMES.find((name) => name === (flags.objective ?? 'aiq'))
  if (objective === undefined) throw badFlags(`of a data set --objective is ${OBJECTIVE_NAMES.join(', ')}`)
  const [classes, classMap] = [await classesOf(flags), await classMapOf(flags)]
  const bar = progressBar()
  const result = await tune({
    dataset: await openDatasetAs(flags.dataset ?? '', flags),
    objective,
    splits: split.split(','),
    ...(task === undefined ? {} : { tasks: task.split(',') }),
    ...(arms === undefined ? {} : { arms: arms.split(',') }),
    ...(classBy === undefined ? {} : { classBy }),
    ...(classes === undefined ? {} : { classes }),
    ...(classMap === undefined ? {} : { classMap }),
    ...(costWeight === undefined ? {} : { costWeight }),
    ...(policy === undefined ? {} : { policy }),
    ...(floor === undefined ? {} : { floor }),
    ...(text === undefined ? {} : { text }),
    ...(seed === undefined ? {} : { seed }),
    ...(trials === undefined ? {} : { trials }),
    ...(minutes === undefined
      ? {}
      : { deadlineMs: performance.now() + minutes * MINUTE_MS, nowMs: () => performance.now() }),
    ...madeBy(),
    onProgress: (done, total) => bar.update(done, total),
  }).finally(() => bar.stop())
  await writeFile(out, writePolicyFile(result.file))
  if (!flags.json) {
    const labels = labelLines(result.file).map((line) => `${line}\n`)
    const hasText = result.file.text !== undefined
    process.stdout.write(
      `${renderTuneTable(result)}${labels.join('')}${textLine(flags)}${out}: written; to judge it: ${nextStep(flags, hasText)}\n`,
    )
    return
  }
  const { best, tuning, finalists, complete, rows, dataset, arms: tuned, file } = result
  const { labels = null } = file.provenance
  print({
    out,
    dataset,
    split,
    rows,
    arms: tuned,
    policy: best.policy,
    best,
    finalists,
    complete,
    tuning,
    labels,
  })
}

/** With the classes of a gateway text is left alone, which must not pass for a finding. */
function textLine({ classes, text }: TuneFlags): string {
  return classes === undefined || text !== undefined
    ? ''
    : 'no text was tried: the gateway’s log has no coordinates of it, and evaluate could not judge the file; --text topics or --text outcomes is for a gateway that is to start from the file (coldStart.file)\n'
}

/** The log of a gateway tells nothing of a text block that it does not have. */
function nextStep({ classes, dataset, out, armMap }: TuneFlags, hasText: boolean): string {
  return classes === undefined || hasText
    ? `highwayman replay --dataset ${dataset} --policy ${out}${armMap === undefined ? '' : ` --arm-map ${armMap}`}`
    : `highwayman evaluate --log store --policy ${out} --record`
}

/** Half of the log, by a hash of the decision's id, is searched on, and the other half judges what was found. */
async function tuneOnLogOf(flags: TuneFlags, log: readonly string[]): Promise<void> {
  const { out, budget, policy, floor, seed, objective: name = 'utility' } = flags
  const objective = LOG_OBJECTIVES.find((known) => known === name)
  if (objective === undefined) throw badFlags(`of a log --objective is ${LOG_OBJECTIVES.join(', ')}`)
  if (
    flags.classes !== undefined ||
    flags.classMap !== undefined ||
    flags.armMap !== undefined ||
    flags.text !== undefined
  ) {
    throw badFlags('--classes, --class-map, --arm-map and --text are for --dataset: a log has its own')
  }
  if (policy === undefined || !policy.endsWith('.json') || budget.minutes !== undefined) {
    throw badFlags('on a log give as --policy the policy file to tune, and a --budget in settings to try')
  }
  const source: LogSource = {
    log,
    fromMs: flags.from ?? 0,
    toMs: flags.to ?? Date.now(),
    store: {
      ...(flags.config && { config: flags.config }),
      ...(flags.dataDir && { dataDir: flags.dataDir }),
      ...(flags.url && { url: flags.url }),
      ...(flags.adminKey && { adminKey: flags.adminKey }),
    },
  }
  const arms = await configuredArms(flags)
  const file = await loadPolicyFile(policy)
  const bar = progressBar()
  const result = await withLog(source, ({ part }) =>
    tuneOnLog({
      search: part({ index: 0, of: 2 }),
      heldOut: part({ index: 1, of: 2 }),
      file,
      objective,
      ...(arms === undefined ? {} : { arms }),
      ...(floor === undefined ? {} : { floor }),
      ...(seed === undefined ? {} : { seed }),
      ...(budget.trials === undefined ? {} : { trials: budget.trials }),
      ...madeBy(),
      onProgress: (done, total) => bar.update(done, total),
    }).finally(() => bar.stop()),
  )
  if (result.file !== undefined) await writeFile(out, writePolicyFile(result.file))
  else process.exitCode = EXIT.noEstimate
  if (flags.json) {
    const { reasons, refused } = result.evaluation
    const tuning = result.file?.provenance.tuning ?? null
    print({
      out: result.file === undefined ? null : out,
      refused: refused || tuning === null,
      reasons,
      trials: result.trials,
      tuning,
    })
  } else {
    // On the log that it was searched on it looks better than it is.
    const next = `${out}: written; to judge it on decisions from now on: highwayman evaluate --log store --policy ${out} --record --from ${new Date().toISOString()}\n`
    process.stdout.write(`${renderLogTuneTable(result)}${result.file === undefined ? '' : next}`)
  }
}

function madeBy() {
  return { createdMs: Date.now(), versions: { highwayman: packageJson.version, node: process.versions.node } }
}

function badFlags(message: string): Error {
  return Object.assign(new Error(message), { code: 'config_bad_flags' })
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

export function tuneCommand(command: Command): void {
  command
    .option('--dataset <name>', 'bundled name, or a folder with prompts.jsonl[.gz] and models.json')
    .option(
      '--log <files...>',
      'instead of a data set: logged decisions, files or `store`, judged by doubly robust estimates',
    )
    .requiredOption('--out <file>', 'where to write the policy file')
    .option('--split <names>', 'rows to tune on, separated by commas; no others are looked at', 'train')
    .addOption(
      new Option(
        '--objective <name>',
        'aiq: height of the cost–quality curve (default); reward: at --cost-weight; online: that, while learning; of a log utility (default), quality or success',
      ).choices([...OBJECTIVE_NAMES, ...LOG_OBJECTIVES]),
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
    .option(
      '--policy <name>',
      `fixed, instead of searched: ${POLICY_NAMES}; on a log the policy file to tune`,
    )
    .option(
      '--floor <p>',
      'fixed, instead of searched: probability spread evenly over the arms',
      number(0, 0.999),
    )
    .addOption(
      new Option(
        '--text <kind>',
        'fixed, instead of searched (with --classes: default none): what is told of a prompt’s text: none, its topics, or what its words foretell of the outcomes',
      ).choices(Object.keys(TEXT_CHOICES)),
    )
    .option('--from <time>', 'of a log: decisions from then on', time)
    .option('--to <time>', 'of a log: decisions before then', time)
    .option('--seed <number>', 'of the search (default: 1)', whole(0, 2 ** 31))
    .option('--task <names>', 'only rows of these tasks, separated by commas')
    .option('--arms <ids>', 'only these arms, separated by commas')
  serverOptions(storeOptions(armMapOption(classOptions(command))))
    .addOption(jsonOption())
    .action(action(runTune))
}
