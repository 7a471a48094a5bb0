/** `highwayman datasets …`: what sets there are, what is in them, whether they are sound, and to and from other formats. */
import { delimiter } from 'node:path'
import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import { listDatasets, validateSet } from '../datasets/index.ts'
import { storeOptions } from './configured-store.ts'
import { convertSet, splitSet } from './datasets/convert.ts'
import { describeSet } from './datasets/describe.ts'
import { fetchSet, listPublished } from './datasets/fetch.ts'
import { foundAt, table } from './datasets/shared.ts'
import { whole } from './flags.ts'
import { action, EXIT, jsonOption, type Output, print, time } from './run.ts'

/** Folders with sets of one's own, as `PATH` has folders with programs. */
const SEARCH_PATH = 'HIGHWAYMAN_DATASETS'

async function list(flags: Output & { readonly in?: readonly string[] }): Promise<void> {
  const fromEnv = (process.env[SEARCH_PATH] ?? '').split(delimiter).filter((folder) => folder !== '')
  const sets = []
  for await (const set of listDatasets([...(flags.in ?? []), ...fromEnv])) sets.push(set)
  if (flags.json)
    return print({
      datasets: sets.map((set) => ({
        ...set,
        licence: set.licence ?? null,
        format: set.format ?? null,
        problem: set.problem ?? null,
      })),
    })
  const rows = sets.map(({ name, kind, format, rows: count, arms, licence, path, problem }) => [
    name,
    kind,
    format ?? '',
    problem === undefined ? `${count}${arms === 0 ? '' : ` × ${arms}`}` : 'cannot be read',
    licence ?? 'not stated',
    path,
  ])
  process.stdout.write(table(['name', 'kind', 'format', 'rows × arms', 'licence', '--dataset'], rows, [3]))
  for (const { path, problem } of sets)
    if (problem !== undefined) process.stdout.write(`${path}: ${problem}\n`)
}

interface ValidateFlags extends Output {
  readonly path: string
  readonly maxProblems: number
  readonly strict?: boolean
}

async function validate(flags: ValidateFlags): Promise<void> {
  const results = []
  for (const found of await foundAt(flags.path)) {
    const result = await validateSet(found, flags.maxProblems)
    const ok = result.problems.length === 0 && !(flags.strict === true && result.warnings.length > 0)
    results.push({ path: found.path, kind: found.kind, ok, ...result })
  }
  const ok = results.every((result) => result.ok)
  if (flags.json) print({ ok, sets: results })
  else {
    for (const { path, kind, rows, problems, more, warnings } of results) {
      const verdict =
        problems.length === 0
          ? 'sound'
          : `${problems.length}${more ? ' and more' : ''} ${problems.length === 1 ? 'problem' : 'problems'}`
      const lines = [...problems, ...warnings.map((warning) => `warning: ${warning}`)]
      process.stdout.write(
        [`${path}: ${kind}, ${rows} rows, ${verdict}`, ...lines.map((line) => `  ${line}`), ''].join('\n'),
      )
    }
  }
  if (!ok) process.exitCode = EXIT.badInput
}

export function datasetsCommand(datasets: Command): void {
  datasets
    .command('list')
    .description(`the bundled sets, and those in folders (--in, and those in ${SEARCH_PATH})`)
    .option('--in <folder...>', 'folders to look in')
    .addOption(jsonOption())
    .action(action(list))
  withPath(datasets.command('describe'), describeSet)
    .description(
      'arms, splits, classes, means by arm, what is missing, licence, prompts that are in two splits',
    )
    .addOption(joinOption())
    .addOption(assignOption())
    .addOption(jsonOption())
  withPath(datasets.command('validate'), validate)
    .description('everything that is wrong, with file, line and field; exit code 2 where there is something')
    .option('--max-problems <n>', 'stop after so many', whole(1, 1_000_000), 50)
    .option('--strict', 'warnings count as well')
    .addOption(jsonOption())
  storeOptions(datasets.command('convert'))
    .description(
      'outcomes to .jsonl[.gz], .parquet or a folder; logs to .jsonl[.gz], .parquet, .dsjson[.gz] or .vw[.gz]',
    )
    .requiredOption('--in <set>', 'name, file or folder; `store` for the log of the store')
    .requiredOption('--out <file>', 'its name says the format')
    .option('--split <name>', 'rows of this split only')
    .option(
      '--spread-propensity',
      'logs that tell only the taken action’s probability: share the rest out evenly',
    )
    .option(
      '--dimensions <n>',
      'of logs: length of the vector that a context is hashed into',
      whole(2, 4096),
      32,
    )
    .option('--from <time>', 'of the store: decisions from here on', time)
    .option('--to <time>', 'of the store: decisions before this (default: now)', time)
    .option('--tenant <name>', 'of the store: of one tenant only')
    .addOption(joinOption())
    .addOption(assignOption())
    .addOption(jsonOption())
    .action(action(convertSet))
  datasets
    .command('split')
    .description('new splits: by a hash, so that no prompt is in two; stratified by class; of logs by time')
    .requiredOption('--in <set>', 'name, file or folder')
    .requiredOption(
      '--out <file>',
      'of outcomes: as for convert; of logs: a folder, with a file for each split',
    )
    .option('--shares <list>', 'percentages', 'train=70,test=30')
    .addOption(new Option('--by <what>', 'default: id; of logs: time').choices(['id', 'category', 'time']))
    .option('--name <name>', 'what the hash knows the set by (default: its name)')
    .option('--format <name>', 'of logs: ending of the files', 'jsonl')
    .option('--spread-propensity', 'as for convert')
    .addOption(jsonOption())
    .action(action(splitSet))
  datasets
    .command('fetch')
    .description('a published set onto the disk, with its checksum; without a name: which there are')
    .argument('[name]', 'of the manifest')
    .option('--to <folder>', 'where (default: ./datasets/<name>)')
    .option('--manifest <file>', 'a list of one’s own')
    .addOption(jsonOption())
    .action((name: string | undefined, flags: Output) =>
      name === undefined ? action(listPublished)(flags) : action(fetchSet)({ ...flags, name }),
    )
}

/** A command with one argument, the set. */
function withPath<Flags extends Output & { readonly path: string }>(
  command: Command,
  run: (flags: Flags) => Promise<void>,
): Command {
  return command
    .argument('<set>', 'name of a bundled set, a file or a folder')
    .action((path: string, flags: Omit<Flags, 'path'>) => action(run)({ ...flags, path } as Flags))
}

const joinOption = () =>
  new Option(
    '--join-latency <file>',
    'measured latencies (llmperf JSON lines) for arms that have none; not observed',
  )

const assignOption = () =>
  new Option(
    '--latency-of <arm=deployment...>',
    'which deployment’s latency an arm gets (default: in turns)',
  ).argParser((text: string, sofar: readonly (readonly [string, string])[] = []) => {
    const cut = text.lastIndexOf('=')
    if (cut < 1) throw new InvalidArgumentError('expected arm=provider/model')
    return [...sofar, [text.slice(0, cut), text.slice(cut + 1)] as const]
  })
