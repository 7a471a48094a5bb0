/** `highwayman replay`: a policy on a data set whose every outcome is known. */
import { availableParallelism } from 'node:os'
import type { Command } from 'commander'
import { openScenario } from '../datasets/index.ts'
import {
  type ClassBy,
  POLICY_NAMES,
  renderReplayReport,
  renderReplayTable,
  renderScenarioTable,
  replay,
  replayScenario,
  toReplayJson,
} from '../eval/index.ts'
import { classByOption, classMapOf } from './classes.ts'
import { number, positive, whole } from './flags.ts'
import { type ArmFlags, armMapOption, openDatasetAs } from './name-map.ts'
import { loadPolicyFile } from './policy-file.ts'
import { progressBar } from './progress.ts'
import { typedCommand, writeReport } from './report.ts'
import { action, jsonOption, type Output, print } from './run.ts'

interface ReplayFlags extends Output, ArmFlags {
  readonly dataset: string
  readonly policy: string
  readonly online?: boolean
  readonly split?: string
  readonly seeds?: number
  readonly seed?: number
  readonly costWeight?: number
  readonly floor?: number
  readonly classBy?: ClassBy
  readonly classMap?: string
  readonly textComponents?: number
  readonly task?: string
  readonly arms?: string
  readonly budgetUsd?: number
  readonly warmStart?: string
  readonly scenario?: string
  readonly report?: string
  readonly workers?: number
}

async function runReplay(flags: ReplayFlags): Promise<void> {
  const {
    json,
    dataset: name,
    task,
    arms,
    warmStart,
    policy,
    scenario: scenarioName,
    report,
    classMap: map,
    armMap,
    ...rest
  } = flags
  const classMap = await classMapOf({ ...(map !== undefined && { classMap: map }) })
  const scenario = scenarioName === undefined ? undefined : await openScenario(scenarioName)
  const policyFile = policy.endsWith('.json') ? await loadPolicyFile(policy) : undefined
  const bar = progressBar()
  const options = {
    workers: availableParallelism(),
    ...rest,
    dataset: await openDatasetAs(name, { ...(armMap !== undefined && { armMap }) }),
    policy: policyFile?.policy ?? policy,
    ...(policyFile !== undefined && { policyFile }),
    ...(classMap === undefined ? {} : { classMap }),
    ...(task === undefined ? {} : { tasks: task.split(',') }),
    ...(arms === undefined ? {} : { arms: arms.split(',') }),
    ...(warmStart === undefined ? {} : { warmStart: warmStart.split(',') }),
    onProgress: (done: number, total: number) => bar.update(done, total),
  }
  if (scenario === undefined) {
    const result = await replay(options).finally(() => bar.stop())
    if (report !== undefined)
      await writeReport(report, renderReplayReport(result, typedCommand()), toReplayJson(result))
    if (json) print(toReplayJson(result))
    else process.stdout.write(renderReplayTable(result))
  } else {
    const result = await replayScenario({ ...options, scenario }).finally(() => bar.stop())
    if (json) print(result)
    else process.stdout.write(renderScenarioTable(result))
  }
}

export function replayCommand(command: Command): void {
  command
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
    .addOption(classByOption())
    .option(
      '--class-map <pairs>',
      'from the data set’s names to classes (default: as the policy file says): physics=math,law=reasoning, or a JSON file',
    )
    .option('--text-components <k>', 'coordinates of the prompt’s text (default: 0)', whole(0, 40))
    .option('--task <names>', 'only rows of these tasks, separated by commas')
    .option('--arms <ids>', 'only these arms, separated by commas')
  armMapOption(command)
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
    .option('--workers <n>', 'threads that share the seeds (default: one per processor)', whole(1, 256))
    .option('--report <file>', 'write one self-contained HTML file, and its JSON beside it')
    .addOption(jsonOption())
    .action(action(runReplay))
}
