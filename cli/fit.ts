/** `highwayman fit`: what a router can start from, learned from a data set. */
import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { writePolicyFile } from '../engine/index.ts'
import { type ClassBy, fitPolicyFile } from '../eval/index.ts'
import { serverOptions } from './admin-client.ts'
import { type ClassFlags, classesOf, classMapOf, classOptions, labelLines } from './classes.ts'
import { storeOptions } from './configured-store.ts'
import { number, whole } from './flags.ts'
import { type ArmFlags, armMapOption, openDatasetAs } from './name-map.ts'
import { checkFolderOf } from './policy-file.ts'
import { progressBar } from './progress.ts'
import { action, jsonOption, type Output, print } from './run.ts'

interface FitFlags extends Output, ClassFlags, ArmFlags {
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
  const { dataset: name, arms, out, policy, split, effectiveSamples, textComponents, classBy } = flags
  await checkFolderOf(out)
  const [classes, classMap] = [await classesOf(flags), await classMapOf(flags)]
  const bar = progressBar()
  const file = await fitPolicyFile({
    policy,
    split,
    ...(effectiveSamples !== undefined && { effectiveSamples }),
    ...(textComponents !== undefined && { textComponents }),
    ...(classBy && { classBy }),
    ...(classes && { classes }),
    ...(classMap && { classMap }),
    dataset: await openDatasetAs(name, flags),
    createdMs: Date.now(),
    ...(arms === undefined ? {} : { arms: arms.split(',') }),
    onProgress: (done, total) => bar.update(done, total),
  }).finally(() => bar.stop())
  await writeFile(out, writePolicyFile(file))
  const { rows, labels } = file.provenance
  if (flags.json) print({ out, rows, split, sums: file.sums.length, labels: labels ?? null })
  else {
    const lines = [
      `${out}: ${file.sums.length} sums from ${rows} rows of ${name}, ${split}`,
      ...labelLines(file),
    ]
    process.stdout.write(`${lines.join('\n')}\n`)
  }
}

export function fitCommand(command: Command): void {
  command
    .requiredOption('--dataset <name>', 'bundled name, or a folder with prompts.jsonl[.gz] and models.json')
    .requiredOption('--out <file>', 'where to write the policy file')
    .option('--policy <name>', 'the policy it is for: as for replay', 'thompson')
    .option('--split <name>', 'rows to learn from', 'train')
    .option(
      '--effective-samples <n>',
      'observations that each arm’s sums count as at most (default: 2000)',
      number(1, 1e9),
    )
    .option('--text-components <k>', 'coordinates of the prompt’s text (default: 0)', whole(0, 40))
    .option('--arms <ids>', 'only these arms, separated by commas')
  serverOptions(storeOptions(armMapOption(classOptions(command))))
    .addOption(jsonOption())
    .action(action(fit))
}
