/** `highwayman log export|import`: the log of the store, to files and from them. */
import type { Command } from 'commander'
import { Option } from 'commander'
import { LOG_FORMATS, type LogFormat, readLogFile, writeLogFile } from '../datasets/index.ts'
import { readServerLog, type ServerFlags, serverOf, serverOptions } from './admin-client.ts'
import { type StoreFlags, storeOptions, withStore } from './configured-store.ts'
import { checkFolderOf } from './policy-file.ts'
import { badInput } from './policy-lookup.ts'
import { action, jsonOption, type Output, print, time } from './run.ts'

interface ExportFlags extends Output, ServerFlags {
  readonly out: string
  readonly format?: LogFormat
  readonly from?: number
  readonly to?: number
  readonly tenant?: string
}

async function exportLog(flags: ExportFlags): Promise<void> {
  const { out, format, tenant, from: fromMs = 0, to: toMs = Date.now() } = flags
  if (fromMs >= toMs) {
    throw badInput(
      `--from ${new Date(fromMs).toISOString()} is not before --to ${new Date(toMs).toISOString()}`,
    )
  }
  await checkFolderOf(out)
  const query = { fromMs, toMs, tenant }
  const url = await serverOf(flags)
  const decisions =
    url === undefined
      ? await withStore(flags, (store) => writeLogFile(store.readLog(query), out, format))
      : await writeLogFile(readServerLog(url, flags.adminKey, query), out, format)
  if (flags.json) print({ out, decisions })
  else process.stdout.write(`${out}: ${decisions} decisions\n`)
}

interface ImportFlags extends Output, StoreFlags {
  readonly in: string
  readonly format?: LogFormat
  readonly check?: boolean
}

async function importLog(flags: ImportFlags): Promise<void> {
  const rows = readLogFile(flags.in, flags.format)
  if (flags.check) {
    let decisions = 0
    for await (const _ of rows) decisions += 1
    if (flags.json) print({ in: flags.in, decisions })
    else process.stdout.write(`${flags.in}: ${decisions} decisions, all sound\n`)
    return
  }
  const { imported, known } = await withStore(flags, (store) => store.importLog(rows), { mayCreate: true })
  if (flags.json) print({ in: flags.in, imported, known })
  else process.stdout.write(`${flags.in}: ${imported} decisions imported, ${known} known already\n`)
}

const formatOption = () =>
  new Option('--format <name>', 'default: by the file’s name').choices([...LOG_FORMATS])

export function logCommand(log: Command): void {
  serverOptions(storeOptions(log.command('export')))
    .description('write the log of the store to a file')
    .requiredOption('--out <file>', 'file to write: .parquet, .jsonl, .jsonl.gz, .dsjson')
    .addOption(formatOption())
    .option('--from <time>', 'decisions from here on: 2026-01-31, 2026-01-31T12:00:00Z', time)
    .option('--to <time>', 'decisions before this (default: now)', time)
    .option('--tenant <name>', 'of one tenant only')
    .addOption(jsonOption())
    .action(action(exportLog))
  storeOptions(log.command('import'))
    .description('store the decisions of a file; those that are there already are left as they are')
    .requiredOption('--in <file>', 'file to read: .parquet, .jsonl, .jsonl.gz, .dsjson')
    .addOption(formatOption())
    .option('--check', 'only read it, and say whether it is sound')
    .addOption(jsonOption())
    .action(action(importLog))
}
