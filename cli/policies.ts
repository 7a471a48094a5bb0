/** `highwayman policies`: what is on record, and what became of it. */
import { writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { DEFAULT_FLOOR, policyFileHash, writePolicyFile } from '../engine/index.ts'
import { POLICY_NAMES, parsePolicyName } from '../eval/index.ts'
import { type ServerFlags, serverOptions } from './admin-client.ts'
import { storeOptions } from './configured-store.ts'
import { number } from './flags.ts'
import { draftOfGateway } from './gateway.ts'
import { actorHere, againstOption, withPolicyDesk } from './policy-desk.ts'
import { lineOf, listingLine, name, percent, provenanceLines, short, time } from './policy-lines.ts'
import { badInput, hashOf, knownHash, readJson, targetHashOf } from './policy-lookup.ts'
import { action, jsonOption, type Output, print, withArgument } from './run.ts'

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
      ...provenanceLines(found.provenance),
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

interface DraftFlags extends Output, ServerFlags {
  readonly policy: string
  readonly out: string
  readonly floor: number
}

async function draft({ policy, out, floor, json, ...gateway }: DraftFlags): Promise<void> {
  const { file, source } = await draftOfGateway(gateway, { policy: parsePolicyName(policy), floor })
  await writeFile(out, writePolicyFile(file))
  const hash = policyFileHash(file)
  if (json) print({ out, hash, featureSpace: file.featureSpace.id })
  else
    process.stdout.write(
      `${out}: ${policy} over the features of ${source.startsWith('http') ? source : basename(source)}, ${short(hash)}\n`,
    )
}

export function policiesCommand(policies: Command): void {
  serverOptions(storeOptions(policies.command('draft')))
    .description('a policy file over the features of the gateway, which knows what was learned in them')
    .requiredOption('--policy <name>', POLICY_NAMES)
    .requiredOption('--out <file>', 'where to write it')
    .option('--floor <p>', 'spread evenly over the arms, in [0, 1)', number(0, 0.999), DEFAULT_FLOOR)
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
