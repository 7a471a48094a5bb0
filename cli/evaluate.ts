/** `highwayman evaluate`: what a policy would have been worth on logged traffic, with intervals, or why nobody can tell. */
import { writeFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { BANDIT_FORMATS, type BanditFormat } from '../datasets/index.ts'
import type { Preferences } from '../engine/index.ts'
import {
  ESTIMATOR_NAMES,
  type EstimatorName,
  type Evaluation,
  type EvaluationPart,
  type EvaluationQuestion,
  evaluationOf,
  mergeParts,
  partOf,
  readPart,
  renderEvaluationReport,
  renderEvaluationTable,
  TARGET_NAMES,
  type TargetSpec,
  VALUES,
  type ValueName,
} from '../eval/index.ts'
import { type ServerFlags, serverOptions } from './admin-client.ts'
import { storeOptions } from './configured-store.ts'
import { isStore, type LogSource, type Shard } from './evaluation-log.ts'
import { liveTarget, recordEvaluation } from './evaluation-record.ts'
import { configuredArms, preferencesFlag, targetOf } from './evaluation-target.ts'
import { readInParts } from './evaluation-threads.ts'
import { number, whole } from './flags.ts'
import { parseJson, readText } from './policy-file.ts'
import { typedCommand, writeReport } from './report.ts'
import { action, EXIT, jsonOption, type Output, print, time } from './run.ts'

/** Whose live policy `live` is, where no virtual model is named. */
const DEFAULT_MODEL = 'auto'

interface EvaluateFlags extends Output, ServerFlags {
  readonly log?: string[]
  readonly format?: BanditFormat
  readonly policy?: string
  readonly against: string
  readonly objective: ValueName
  readonly estimator: readonly EstimatorName[] | undefined
  readonly preferences?: Preferences
  readonly floor?: number
  readonly explore: boolean
  readonly level?: number
  readonly from?: number
  readonly to?: number
  readonly tenant?: string
  readonly threads?: number
  readonly shards?: Shard
  readonly state?: string
  readonly merge?: string[]
  readonly model?: string
  readonly report?: string
  readonly record?: boolean
}

/** An answer, and what was asked. */
interface Answered {
  readonly evaluation: Evaluation
  readonly question: EvaluationQuestion
}

async function evaluate(flags: EvaluateFlags): Promise<void> {
  const answered = flags.merge === undefined ? await evaluateLogOf(flags) : await mergeFiles(flags.merge)
  if (answered === undefined) return
  const { evaluation, question } = answered
  if (flags.report !== undefined) {
    await writeReport(flags.report, renderEvaluationReport(evaluation, typedCommand()), evaluation)
  }
  const recorded = flags.record ? await record(flags, evaluation, question) : undefined
  if (flags.json) print({ ...evaluation, ...(recorded !== undefined && { recorded }) })
  else {
    process.stdout.write(renderEvaluationTable(evaluation))
    if (recorded !== undefined) process.stdout.write(`on record as ${recorded}\n`)
  }
  if (evaluation.refused) process.exitCode = EXIT.noEstimate
}

/** Undefined: a part was written, which is no evaluation yet. */
async function evaluateLogOf(flags: EvaluateFlags): Promise<Answered | undefined> {
  const { log = [], policy, shards, state, threads, format, tenant } = flags
  if (policy === undefined || log.length === 0) {
    throw badFlags('give --log and --policy, or --merge and the parts of an evaluation')
  }
  if ((shards === undefined) !== (state === undefined)) {
    throw badFlags('--shards and --state go together: a part of the log, and where to write what it says')
  }
  const target = await targetOf(policy, flags)
  if (flags.record) recordable(target)
  const against = await againstOf(flags)
  const question: EvaluationQuestion = {
    target,
    against,
    objective: flags.objective,
    ...(flags.preferences !== undefined && { preferences: flags.preferences }),
    ...(flags.estimator !== undefined && { estimators: flags.estimator }),
    ...(flags.level !== undefined && { level: flags.level }),
    ...(shards !== undefined && { isPart: true }),
  }
  const source: LogSource = {
    log,
    format,
    fromMs: flags.from ?? 0,
    toMs: flags.to ?? Date.now(),
    tenant,
    model: flags.model,
    store: {
      ...(flags.config !== undefined && { config: flags.config }),
      ...(flags.dataDir !== undefined && { dataDir: flags.dataDir }),
      ...(flags.url !== undefined && { url: flags.url }),
      ...(flags.adminKey !== undefined && { adminKey: flags.adminKey }),
    },
  }
  const { survey, scoring } = await readInParts(source, question, shards ?? { index: 0, of: 1 }, threads)
  if (state === undefined) return { evaluation: evaluationOf(question, survey, scoring), question }
  const part = partOf(question, survey, scoring, { log, shard: shards ?? { index: 0, of: 1 } })
  await writeFile(state, `${JSON.stringify(part)}\n`)
  if (flags.json) print({ state, decisions: survey.n, read: survey.read })
  else process.stdout.write(`${state}: ${survey.n} of ${survey.read} decisions count\n`)
  return undefined
}

async function mergeFiles(paths: readonly string[]): Promise<Answered> {
  const texts = await Promise.all(paths.map(readText))
  const parts = texts.map((text, i) => readPart(parseJson(paths[i] ?? '', text), paths[i] ?? ''))
  const evaluation = mergeParts(parts)
  // Without a part there is no evaluation either.
  return { evaluation, question: (parts as [EvaluationPart])[0].question }
}

/** @throws what the desk throws, and for what the gate has no use for */
async function record(
  flags: ServerFlags,
  evaluation: Evaluation,
  { target, against = { kind: 'logged' } }: EvaluationQuestion,
): Promise<string> {
  return await recordEvaluation(flags, evaluation, recordable(target), against)
}

function recordable(target: TargetSpec): Extract<TargetSpec, { kind: 'file' }> {
  if (target.kind !== 'file') {
    throw badFlags('--record is for the gate, which promotes policy files: give one as --policy')
  }
  if (target.floor !== undefined || target.explore === false || target.preferences !== undefined) {
    throw badFlags('--record is of the file as it would serve: leave --floor, --no-explore and --preferences')
  }
  return target
}

/** `live` is what serves now as far as the store knows; of a file nobody knows better than who wrote it. */
async function againstOf(flags: EvaluateFlags): Promise<TargetSpec> {
  const { against, log = [], model = DEFAULT_MODEL } = flags
  const asksStore = against === 'live' && (flags.record || isStore({ log }))
  if (!asksStore) {
    // Floor and exploration are set for the judged policy; wishes are everybody's.
    const { floor: _, ...own } = flags
    return await targetOf(against, { ...own, explore: true })
  }
  return await liveTarget(flags, model, await configuredArms(flags))
}

function badFlags(message: string): Error {
  return Object.assign(new Error(message), { code: 'config_bad_flags' })
}

function shard(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text)
  const [index, of] = [Number(match?.[1]), Number(match?.[2])]
  if (match === null || !(of >= 1 && index < of)) {
    throw new InvalidArgumentError('expected i/n with i from 0 to n − 1: 0/4')
  }
  return { index, of }
}

/** Undefined: all that a log is enough for. */
function estimators(text: string): readonly EstimatorName[] | undefined {
  if (text === 'all') return undefined
  return text.split(',').map((name) => {
    const known = ESTIMATOR_NAMES.find((candidate) => candidate === name)
    if (known === undefined || known === 'mips' || known === 'snmips') {
      throw new InvalidArgumentError(`expected all, or names of ${ESTIMATOR_NAMES.join(', ')}`)
    }
    return known
  })
}

export function evaluateCommand(command: Command): void {
  command
    .option('--log <file...>', 'store, or files: our own log, VW’s dsjson or cb_adf, Open Bandit’s CSV')
    .addOption(
      new Option('--format <name>', 'of the files (default: by their names)').choices([...BANDIT_FORMATS]),
    )
    .option('--policy <name>', `whom to judge: a policy file (.json), or ${TARGET_NAMES}`)
    .option('--against <name>', 'what to compare with: as --policy', 'live')
    .addOption(new Option('--objective <value>', 'what is judged').choices([...VALUES]).default('utility'))
    .option(
      '--estimator <names>',
      'beside DR, SNIPS and Cressie–Read: all, or names separated by commas',
      estimators,
    )
    .option(
      '--preferences <wishes>',
      'in the place of each request’s own: usd_per_quality_point=0.001,seconds_per_quality_point=5, or within_quality_points=2,then_by=cost',
      preferencesFlag,
    )
    .option('--floor <p>', 'of the judged policy (default: the log’s, or the file’s)', number(0, 0.999))
    .option('--no-explore', 'the judged policy does nothing for the sake of learning')
    .option('--level <p>', 'of intervals (default: 0.95)', number(0.5, 0.9999))
    .option('--from <time>', 'decisions from here on: 2026-01-31, 2026-01-31T12:00:00Z', time)
    .option('--to <time>', 'decisions before this (default: now)', time)
    .option('--tenant <name>', 'of one tenant only')
    .option(
      '--model <name>',
      'requests to one virtual model only (default: all; its live policy: that of auto)',
    )
    .option('--report <file>', 'write one self-contained HTML file, and its JSON beside it')
    .option('--record', 'put the evaluation of a policy file on record in the store, for promote')
    .option('--threads <n>', 'that read side by side, of a ClickHouse server or several files', whole(1, 64))
    .option('--shards <i/n>', 'only this part of the log, by a hash of the decision; with --state', shard)
    .option('--state <file>', 'where to write what a part says')
    .option('--merge <file...>', 'add up the parts that --state has written')
  serverOptions(storeOptions(command)).addOption(jsonOption()).action(action(evaluate))
}
