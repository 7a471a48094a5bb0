/** `highwayman fit`: what a router can start from, learned from a data set. */
import { writeFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { openDataset } from '../datasets/index.ts'
import { writePolicyFile } from '../engine/index.ts'
import { type ClassBy, fitPolicyFile } from '../eval/index.ts'
import { number, whole } from './flags.ts'
import { progressBar } from './progress.ts'
import { action, jsonOption, type Output, print } from './run.ts'

interface FitFlags extends Output {
  readonly dataset: string
  readonly policy: string
  readonly split: string
  readonly out: string
  readonly effectiveSamples?: number
  readonly textComponents?: number
  readonly classBy?: ClassBy
  readonly arms?: string
}

async function fit(flags: FitFlags): Promise<void> {
  const { json, dataset: name, arms, out, ...options } = flags
  const bar = progressBar()
  const file = await fitPolicyFile({
    ...options,
    dataset: await openDataset(name),
    createdMs: Date.now(),
    ...(arms === undefined ? {} : { arms: arms.split(',') }),
    onProgress: (done, total) => bar.update(done, total),
  }).finally(() => bar.stop())
  await writeFile(out, writePolicyFile(file))
  const { rows, split } = file.provenance
  if (json) print({ out, rows, split, sums: file.sums.length })
  else process.stdout.write(`${out}: ${file.sums.length} sums from ${rows} rows of ${name}, ${split}\n`)
}

export function fitCommand(program: Command): void {
  program
    .command('fit')
    .description('learn from a split where every arm’s outcome is known, into a policy file to start from')
    .requiredOption('--dataset <name>', 'bundled name, or a folder with prompts.jsonl[.gz] and models.json')
    .requiredOption('--out <file>', 'where to write the policy file')
    .option('--policy <name>', 'the policy it is for: as for replay', 'thompson')
    .option('--split <name>', 'rows to learn from', 'train')
    .option(
      '--effective-samples <n>',
      'observations that each arm’s sums count as at most (default: 2000)',
      number(1, 1e9),
    )
    .addOption(
      new Option('--class-by <field>', 'what the request class is').choices(['category', 'task', 'inferred']),
    )
    .option('--text-components <k>', 'coordinates of the prompt’s text (default: 0)', whole(0, 40))
    .option('--arms <ids>', 'only these arms, separated by commas')
    .addOption(jsonOption())
    .action(action(fit))
}
