/** `highwayman promote`, `rollback` and `policies`: from a policy file to all traffic, and back. */
import { readFile, writeFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { DEFAULT_FLOOR, policyFileHash, writePolicyFile } from '../engine/index.ts'
import { POLICY_NAMES, parsePolicyName } from '../eval/index.ts'
import {
  draftPolicyFile,
  findConfigFile,
  loadRegistry,
  type PolicyDesk,
  type PolicyListing,
  type Rollout,
} from '../server/index.ts'
import { type ServerFlags, serverOptions } from './admin-client.ts'
import { number } from './flags.ts'
import { storeOptions } from './log.ts'
import { actorHere, withPolicyDesk } from './policy-desk.ts'
import { loadPolicyFile } from './policy-file.ts'
import { action, jsonOption, messageOf, type Output, print } from './run.ts'

const DEFAULT_MODEL = 'auto'
const HASH_CHARS = 12
const PREFIX_CHARS_MIN = 6

interface StepFlags extends Output, ServerFlags {
  readonly model: string
  readonly reason?: string
  readonly actor?: string
}

interface PromoteFlags extends StepFlags {
  readonly share?: number
  readonly full?: boolean
  readonly evaluation?: string
  readonly against: string
  readonly force?: boolean
}

async function promote(policy: string, flags: PromoteFlags): Promise<void> {
  const { model, full, force = false, evaluation, against, reason = '' } = flags
  const actor = flags.actor ?? actorHere()
  const share = full ? 1 : flags.share
  const step = await withPolicyDesk(flags, async (desk) => {
    const hash = await hashOf(desk, policy, actor)
    if (evaluation !== undefined)
      await desk.record(hash, { evaluation: await readJson(evaluation), against, actor })
    return await desk.promote({ hash, model, share, force, reason, actor })
  })
  if (flags.json) return print(step)
  process.stdout.write(`${lineOf(step)}\n`)
}

async function rollback(flags: StepFlags): Promise<void> {
  const { model, reason = '', actor = actorHere() } = flags
  const step = await withPolicyDesk(flags, (desk) => desk.rollBack({ model, reason, actor }))
  if (flags.json) return print(step)
  process.stdout.write(`${lineOf(step)}\n`)
}

async function list(flags: Output & ServerFlags): Promise<void> {
  const policies = await withPolicyDesk(flags, (desk) => desk.list())
  if (flags.json) return print(policies)
  const lines = policies.data.map(listingLine)
  process.stdout.write(lines.length === 0 ? 'no policies on record\n' : `${lines.join('\n')}\n`)
}

async function show(policy: string, flags: Output & ServerFlags): Promise<void> {
  const found = await withPolicyDesk(flags, async (desk) => await desk.show(await knownHash(desk, policy)))
  if (flags.json) return print(found)
  const evaluations = found.evaluations_on_record.map(
    ({ id, at_ms: atMs, against, evaluation }) =>
      `  ${time(atMs)}  ${id}  against ${short(against)}  ${evaluation['refused'] === true ? 'refused' : 'an estimate'}`,
  )
  process.stdout.write(
    `${listingLine(found)}\n${[
      `  hash           ${found.hash}`,
      `  handed in by   ${found.actor}`,
      `  feature space  ${found.feature_space}`,
      `  made from      ${JSON.stringify(found.provenance)}`,
      `evaluations${evaluations.length === 0 ? ': none' : ''}`,
      ...evaluations,
    ].join('\n')}\n`,
  )
}

async function history(flags: Output & ServerFlags & { readonly model?: string }): Promise<void> {
  const { object, data, serving } = await withPolicyDesk(flags, (desk) => desk.rollouts(flags.model))
  if (flags.json) return print({ object, data, serving })
  const now = serving.map(({ model, live, canary }) => {
    const beside = canary === null ? '' : `, ${percent(canary.share)} for ${short(canary.hash)}`
    return `${model} is served by ${name(live)}${beside}`
  })
  const lines = [...data.map(lineOf), ...now]
  process.stdout.write(lines.length === 0 ? 'nothing was promoted yet\n' : `${lines.join('\n')}\n`)
}

interface RecordFlags extends Output, ServerFlags {
  readonly policy?: string
  readonly against: string
  readonly actor?: string
}

async function record(file: string, flags: RecordFlags): Promise<void> {
  const { against, actor = actorHere() } = flags
  const evaluation = await readJson(file)
  const named = flags.policy ?? targetHashOf(evaluation)
  if (named === undefined) {
    throw badInput(`${file} does not say which policy it is of; name it with --policy`)
  }
  const recorded = await withPolicyDesk(flags, async (desk) =>
    desk.record(await hashOf(desk, named, actor), { evaluation, against, actor }),
  )
  if (flags.json) return print(recorded)
  process.stdout.write(`${recorded.id}: an evaluation of ${short(recorded.hash)} against ${short(against)}\n`)
}

interface DraftFlags extends Output {
  readonly policy: string
  readonly out: string
  readonly floor: number
  readonly config?: string
}

async function draft({ policy, out, floor, config, json }: DraftFlags): Promise<void> {
  const registry = loadRegistry({ path: config ?? findConfigFile(process.cwd()), env: process.env })
  if (registry === undefined) throw badInput('there is no configuration here; name one with --config')
  const file = draftPolicyFile(registry, { policy: parsePolicyName(policy), floor, createdMs: Date.now() })
  await writeFile(out, writePolicyFile(file))
  const hash = policyFileHash(file)
  if (json) print({ out, hash, featureSpace: file.featureSpace.id })
  else process.stdout.write(`${out}: ${policy} over the features of ${registry.source}, ${short(hash)}\n`)
}

/** A file is handed in, which does nothing where it is there already; anything else is the beginning of a hash. */
async function hashOf(desk: PolicyDesk, policy: string, actor: string): Promise<string> {
  if (!policy.endsWith('.json')) return await knownHash(desk, policy)
  const file = await loadPolicyFile(policy)
  const { hash } = await desk.upload({ policy: file, actor })
  if (hash !== policyFileHash(file)) {
    throw badInput(
      `the server reads ${policy} in another way than this release does; bring both to one version`,
    )
  }
  return hash
}

async function knownHash(desk: PolicyDesk, text: string): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(text)) return text
  if (text.length < PREFIX_CHARS_MIN || !/^[0-9a-f]+$/.test(text)) {
    throw badInput(
      `${text} is neither a policy file (.json) nor the first ${PREFIX_CHARS_MIN} or more digits of a hash`,
    )
  }
  const { data } = await desk.list()
  const [found, ...others] = data.filter(({ hash }) => hash.startsWith(text))
  if (found === undefined)
    throw badInput(`no policy on record begins with ${text}; see highwayman policies list`)
  if (others.length > 0) throw badInput(`several policies begin with ${text}; give more digits`)
  return found.hash
}

function targetHashOf(evaluation: unknown): string | undefined {
  const hash =
    typeof evaluation === 'object' && evaluation !== null && 'targetHash' in evaluation
      ? evaluation.targetHash
      : undefined
  return typeof hash === 'string' ? hash : undefined
}

/** `-` is standard input. */
async function readJson(file: string): Promise<unknown> {
  const text = file === '-' ? await readStdin() : await readFile(file, 'utf8')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw badInput(`${file} is not JSON: ${messageOf(cause)}`)
  }
}

async function readStdin(): Promise<string> {
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  return text
}

function badInput(message: string): Error {
  return Object.assign(new Error(message), { code: 'config_invalid' })
}

function lineOf({
  at_ms: atMs,
  model,
  action: what,
  outcome,
  hash,
  share,
  forced,
  reason,
  reasons,
  actor,
}: Rollout): string {
  const done =
    what === 'rollback'
      ? `back to ${name(hash)}`
      : what === 'full'
        ? `all traffic for ${name(hash)}`
        : `${percent(share)} for ${name(hash)}`
  const how = outcome === 'refused' ? ', refused' : forced ? ', forced' : ''
  const why = reasons.length === 0 ? '' : ` [${reasons.map(({ code }) => code).join(', ')}]`
  return `${time(atMs)}  ${model}: ${done}${how}${why}  by ${actor}${reason === '' ? '' : `: ${reason}`}`
}

function listingLine({ hash, at_ms: atMs, policy, evaluations, serving }: PolicyListing): string {
  const served = serving.map(({ model, as, share }) => `${as} of ${model} ${percent(share)}`)
  const judged = evaluations === 1 ? '1 evaluation' : `${evaluations} evaluations`
  return `${short(hash)}  ${time(atMs)}  ${policy.name}, ${judged}${served.length === 0 ? '' : `, ${served.join(', ')}`}`
}

function name(hash: string | null): string {
  return hash === null ? 'the configuration’s policy' : short(hash)
}

function short(hash: string): string {
  return /^[0-9a-f]{64}$/.test(hash) ? hash.slice(0, HASH_CHARS) : hash
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(4))} %`
}

function time(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '')
}

function shareOf(text: string): number {
  const share = Number(text)
  if (!(share > 0 && share < 1)) {
    throw new InvalidArgumentError(
      'expected a share above 0 and below 1, such as 0.05; all traffic is --full',
    )
  }
  return share
}

const againstOption = [
  '--against <name>',
  'what the evaluation compares with: logged, configured, a policy’s hash',
  'logged',
] as const

function stepOptions(command: Command): Command {
  return serverOptions(storeOptions(command))
    .option('--model <name>', 'the virtual model', DEFAULT_MODEL)
    .option('--reason <text>', 'why; kept with the step')
    .option('--actor <name>', 'who does it; kept with the step (default: user and host)')
    .addOption(jsonOption())
}

export function promoteCommands(program: Command): void {
  stepOptions(program.command('promote'))
    .description(
      'give a policy a share of the traffic, or all of it, if an evaluation on record lets it through',
    )
    .argument('<policy>', 'a policy file, or the hash of one on record')
    .option('--share <share>', 'of the traffic, e.g. 0.05 (default: promotion.canaryShare)', shareOf)
    .option('--full', 'all traffic, for good')
    .option('--evaluation <file>', 'put this on record first: what evaluate --json printed; - is stdin')
    .option(...againstOption)
    .option('--force', 'although the gate refuses; needs a reason, which is kept')
    .action(withArgument(promote))
  stepOptions(program.command('rollback'))
    .description('end a canary; without one, go back to what was live before')
    .action(action(rollback))
  const policies = program.command('policies').description('policies on record, and what became of them')
  policies
    .command('draft')
    .description('a policy file over the features of the configuration, which knows what was learned in them')
    .requiredOption('--policy <name>', POLICY_NAMES)
    .requiredOption('--out <file>', 'where to write it')
    .option('--floor <p>', 'spread evenly over the arms, in [0, 1)', number(0, 0.999), DEFAULT_FLOOR)
    .option('--config <file>', 'YAML configuration (default: highwayman.yaml here, else the environment)')
    .addOption(jsonOption())
    .action(action(draft))
  serverOptions(storeOptions(policies.command('list')))
    .description('the newest first')
    .addOption(jsonOption())
    .action(action(list))
  serverOptions(storeOptions(policies.command('show')))
    .description('one of them, with its evaluations')
    .argument('<policy>', 'the hash, or its first digits')
    .addOption(jsonOption())
    .action(withArgument(show))
  serverOptions(storeOptions(policies.command('history')))
    .description('every step on the way to all traffic and back, refused ones included')
    .option('--model <name>', 'only of this virtual model')
    .addOption(jsonOption())
    .action(action(history))
  serverOptions(storeOptions(policies.command('record')))
    .description('put an evaluation on record: what the gate looks at')
    .argument('<evaluation>', 'what evaluate --json printed; - is stdin')
    .option('--policy <policy>', 'a policy file, or a hash (default: the one that it says it is of)')
    .option(...againstOption)
    .option('--actor <name>', 'who does it (default: user and host)')
    .addOption(jsonOption())
    .action(withArgument(record))
}

/** Commander gives the argument before the flags. */
function withArgument<Flags extends Output>(
  run: (argument: string, flags: Flags) => Promise<void>,
): (argument: string, flags: Flags) => Promise<void> {
  return (argument, flags) => action((given: Flags) => run(argument, given))(flags)
}
