/**
 * `highwayman experiment …`: experiments of a running server, by its admin API. The server has the store, so that a step is in force
 * when the command ends.
 */
import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Readout } from '../eval/index.ts'
import { askServer, type ServerFlags, serverOf, serverOptions } from './admin-client.ts'
import { configuredStore, storeOptions } from './configured-store.ts'
import { number, whole } from './flags.ts'
import { actorHere } from './policy-desk.ts'
import { parseJson, readText } from './policy-file.ts'
import { action, jsonOption, type Output, print } from './run.ts'

/** Where a server listens that nobody has configured. */
const DEFAULT_SERVER = { host: '127.0.0.1', port: 8787 }

type CommandFlags = Output & ServerFlags
interface StepFlags extends CommandFlags {
  readonly actor?: string
  readonly reason: string
}
interface ExperimentJson {
  readonly key: string
  readonly status: string
  readonly run: number
  readonly variants: readonly {
    readonly variant: string
    readonly weight: number
    readonly stopped: string | null
  }[]
  readonly conclusion: { readonly reason: string; readonly winner?: string } | null
}

/** @param path below `/admin/v1/experiments` @throws as {@link askServer} */
async function ask<T>(flags: CommandFlags, path: string, body?: unknown): Promise<T> {
  const answer = await askServer(await addressOf(flags), flags.adminKey, `experiments${path}`, body)
  return (await answer.json()) as T
}

/** The server that was named, or that has the embedded store open, or whose configuration is here. */
async function addressOf(flags: CommandFlags): Promise<string> {
  const found = await serverOf(flags)
  if (found !== undefined) return found
  const { host, port } = (await configuredStore(flags)).registry?.server ?? DEFAULT_SERVER
  const { urlOf } = await import('../server/index.ts')
  return urlOf(host, port)
}

async function create(flags: StepFlags & { readonly from: string }): Promise<void> {
  const declared = Object(parseJson(flags.from, await readText(flags.from)))
  const { actor = actorHere(), reason } = flags
  tell(flags, await ask<ExperimentJson>(flags, '', { ...declared, actor, reason }))
}

async function list(flags: CommandFlags): Promise<void> {
  const { data } = await ask<{ data: readonly ExperimentJson[] }>(flags, '')
  if (flags.json) return print({ experiments: data })
  for (const experiment of data) process.stdout.write(`${lineOf(experiment)}\n`)
  if (data.length === 0) process.stdout.write('no experiments\n')
}

function tell(flags: Output, experiment: ExperimentJson): void {
  if (flags.json) print(experiment)
  else process.stdout.write(`${lineOf(experiment)}\n`)
}

function lineOf({ key, status, run, variants, conclusion }: ExperimentJson): string {
  const shares = variants.map(({ variant, weight, stopped }) =>
    stopped === null ? `${variant} ${(100 * weight).toFixed(0)} %` : `${variant} stopped`,
  )
  const end = conclusion === null || conclusion.reason === '' ? '' : `; ${conclusion.reason}`
  return `${key.padEnd(24)} ${status.padEnd(9)} run ${run}  ${shares.join(', ')}${end}`
}

async function report(key: string, flags: CommandFlags & { readonly report?: string }): Promise<void> {
  const json = await ask<object>(flags, `/${encodeURIComponent(key)}/report`)
  const readout = camelCase(json) as Readout
  const { renderExperimentPage, renderExperimentReport } = await import('../eval/index.ts')
  if (flags.report !== undefined) await writeFile(flags.report, renderExperimentPage(readout))
  if (flags.json) return print(json)
  process.stdout.write(renderExperimentReport(readout))
  if (flags.report !== undefined) process.stdout.write(`report written to ${flags.report}\n`)
}

/** The API's names as the code has them; a bound that is not there is null in JSON. */
function camelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCase)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      camelCase(field),
    ]),
  )
}

interface PowerFlags extends CommandFlags {
  readonly mde: number
  readonly unit: string
  readonly measure: string
  readonly variants: number
  readonly power: number
  readonly alpha: number
  readonly days: number
  readonly model?: string[]
}
interface PowerJson {
  readonly seen: {
    readonly units: number
    readonly days: number
    readonly units_per_day: number
    readonly value: number
    readonly sd: number
  }
  readonly fixed: { readonly units_per_variant: number; readonly units: number; readonly days: number | null }
  readonly always_valid: PowerJson['fixed']
}

async function power(flags: PowerFlags): Promise<void> {
  const { mde, unit, measure, variants, power: wanted, alpha, days, model } = flags
  const plan = await ask<PowerJson>(flags, '/power', {
    mde,
    unit,
    metric: { measure },
    variants,
    power: wanted,
    alpha,
    days,
    ...(model && { models: model }),
  })
  if (flags.json) return print(plan)
  const { seen } = plan
  const line = (name: string, { units_per_variant: each, units, days: long }: PowerJson['fixed']) =>
    `${name.padEnd(26)} ${each.toLocaleString('en')} ${unit}s a variant, ${units.toLocaleString('en')} together${long === null ? '' : `, ${long.toFixed(1)} days`}\n`
  process.stdout.write(
    `${measure} is ${seen.value.toPrecision(4)} (sd ${seen.sd.toPrecision(3)}) over ${seen.units.toLocaleString('en')} ${unit}s of the last ${seen.days.toFixed(1)} days, ${seen.units_per_day.toFixed(0)} a day\n` +
      `to find ${(100 * mde).toFixed(1)} % with probability ${wanted} at α = ${alpha}:\n` +
      line('  read once, at that size', plan.fixed) +
      line('  read at any time', plan.always_valid),
  )
}

const STEPS = {
  start: 'begin: units are assigned from now on',
  pause: 'let nobody take part for a while',
  resume: 'go on after a pause, everyone in the same variant as before',
  archive: 'put away one that has ended or never began',
  rerun: 'make a draft of one that has ended; it assigns everyone anew',
} as const

export function experimentCommand(experiment: Command): void {
  const reading = (command: Command): Command => serverOptions(storeOptions(command)).addOption(jsonOption())
  const stepOptions = (command: Command): Command =>
    reading(command)
      .option('--actor <name>', 'who does it; kept with the step (default: user and host)')
      .option('--reason <text>', 'why; kept with the step', '')

  stepOptions(experiment.command('create'))
    .description('declare an experiment; it begins when it is started')
    .requiredOption('--from <file>', 'JSON: key, variants, metrics, …; see docs/experiments.md')
    .action(action(create))
  reading(experiment.command('list'))
    .description('all experiments and what state they are in')
    .action(action(list))
  for (const [verb, description] of Object.entries(STEPS)) {
    stepOptions(experiment.command(`${verb} <key>`))
      .description(description)
      .action((key: string, flags: StepFlags) =>
        action<StepFlags>(async ({ actor = actorHere(), reason }) =>
          tell(flags, await ask(flags, `/${encodeURIComponent(key)}/${verb}`, { actor, reason })),
        )(flags),
      )
  }
  stepOptions(experiment.command('stop <key>'))
    .description('end an experiment, or one of its variants')
    .option('--variant <key>', 'only this variant; its units take part no more')
    .action((key: string, flags: StepFlags & { readonly variant?: string }) =>
      action<StepFlags>(async ({ actor = actorHere(), reason }) => {
        const { variant } = flags
        tell(flags, await ask(flags, `/${encodeURIComponent(key)}/stop`, { actor, reason, variant }))
      })(flags),
    )
  stepOptions(experiment.command('promote <key>'))
    .description(
      'hand the winner’s policy file to the promotion gate, with what the experiment shows as its evaluation',
    )
    .option('--variant <key>', 'another than the winner')
    .option('--model <name>', 'virtual model (default: the only one it is about)')
    .option('--share <n>', 'of the traffic, 0 to 1 (default: promotion.canaryShare)', number(0, 1))
    .option('--force', 'although the gate refuses; needs a reason', false)
    .action(
      (
        key: string,
        flags: StepFlags & {
          readonly variant?: string
          readonly model?: string
          readonly share?: number
          readonly force: boolean
        },
      ) =>
        action<StepFlags>(async ({ actor = actorHere(), reason }) => {
          const { variant, model, share, force } = flags
          const step = await ask<Record<string, unknown>>(flags, `/${encodeURIComponent(key)}/promote`, {
            actor,
            reason,
            variant,
            model,
            share,
            force,
          })
          if (flags.json) print(step)
          else
            process.stdout.write(
              `${String(step['action'])} ${String(step['hash'])} of ${String(step['model'])}, share ${String(step['share'])}\n`,
            )
        })(flags),
    )
  reading(experiment.command('report <key>'))
    .description('what is known of an experiment, and what that means')
    .option('--report <file>', 'write one HTML page too')
    .action((key: string, flags: CommandFlags & { readonly report?: string }) =>
      action<typeof flags>((own) => report(key, own))(flags),
    )
  reading(experiment.command('power'))
    .description('how many units and days an effect takes to be found, by the traffic of the log')
    .requiredOption('--mde <share>', 'effect to find, as a share of today’s value', number(0, 10))
    .option('--unit <unit>', 'tenant, user, session or request', 'session')
    .option('--measure <name>', 'quality, cost_usd, total_ms, …', 'quality')
    .option('--variants <n>', 'the control included', whole(2, 10), 2)
    .option('--power <p>', 'probability to find it', number(0, 1), 0.8)
    .option('--alpha <p>', 'two-sided error', number(0, 0.5), 0.05)
    .option('--days <n>', 'of the log to go by', number(0, 365), 14)
    .option('--model <name…>', 'only requests for these virtual models')
    .action(action(power))
}
