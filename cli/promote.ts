/** `highwayman promote` and `rollback`: from a policy file to all traffic, and back. */
import { type Command, InvalidArgumentError } from 'commander'
import { type ServerFlags, serverOptions } from './admin-client.ts'
import { storeOptions } from './configured-store.ts'
import { actorHere, againstOption, withPolicyDesk } from './policy-desk.ts'
import { lineOf } from './policy-lines.ts'
import { badInput, hashOf, readJson } from './policy-lookup.ts'
import { action, jsonOption, type Output, print, withArgument } from './run.ts'

const DEFAULT_MODEL = 'auto'

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
  if (full && flags.share !== undefined) throw badInput('--share and --full exclude each other')
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

function shareOf(text: string): number {
  const share = Number(text)
  if (!(share > 0 && share < 1)) {
    throw new InvalidArgumentError(
      'expected a share above 0 and below 1, such as 0.05; all traffic is --full',
    )
  }
  return share
}

function stepOptions(command: Command): Command {
  return serverOptions(storeOptions(command))
    .option('--model <name>', 'the virtual model', DEFAULT_MODEL)
    .option('--reason <text>', 'why; kept with the step')
    .option('--actor <name>', 'who does it; kept with the step (default: user and host)')
    .addOption(jsonOption())
}

export function promoteCommand(command: Command): void {
  stepOptions(command)
    .argument('<policy>', 'a policy file, or the hash of one on record')
    .option('--share <share>', 'of the traffic, e.g. 0.05 (default: promotion.canaryShare)', shareOf)
    .option('--full', 'all traffic, for good')
    .option('--evaluation <file>', 'put this on record first: what evaluate --json printed; - is stdin')
    .option(...againstOption)
    .option('--force', 'although the gate refuses; needs a reason, which is kept')
    .action(withArgument(promote))
}

export function rollbackCommand(command: Command): void {
  stepOptions(command).action(action(rollback))
}
