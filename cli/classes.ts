/** Flags for the classes of a policy file, and what became of a data set's own names. */
import { type Command, Option } from 'commander'
import { DEFAULT_CLASSES, DEFAULT_FLOOR, type PolicyFile } from '../engine/index.ts'
import type { ServerFlags } from './admin-client.ts'
import { draftOfGateway } from './gateway.ts'
import { type NameMap, nameMap } from './name-map.ts'
import { loadPolicyFile } from './policy-file.ts'
import { badInput } from './policy-lookup.ts'

export interface ClassFlags extends ServerFlags {
  readonly classes?: string
  readonly classMap?: string
}

/**
 * The classes that a policy file is to be over: undefined for those of the data set.
 *
 * @throws `config_invalid` for a gateway that looks at text, which no data set's file can do in the same way
 */
export async function classesOf(flags: ClassFlags): Promise<readonly string[] | undefined> {
  const { classes } = flags
  if (classes === undefined) return undefined
  if (classes === 'default') return DEFAULT_CLASSES
  const file = classes.endsWith('.json')
    ? await loadPolicyFile(classes)
    : classes === 'gateway'
      ? (await draftOfGateway(flags, { policy: { name: 'thompson' }, floor: DEFAULT_FLOOR })).file
      : undefined
  if (file === undefined) return namesIn(classes)
  if (file.text === undefined) return file.featureSpace.classes
  throw badInput(
    `--classes ${classes}: besides the classes its features are ${file.text.components} coordinates of the prompt’s text, which a file made of a data set does not have; tune a draft on the log instead: highwayman policies draft --policy thompson --out draft.json, highwayman tune --log store --policy draft.json`,
  )
}

/** Of `--class-map`. @throws `config_invalid` for what is no map */
export async function classMapOf({ classMap }: ClassFlags): Promise<NameMap | undefined> {
  return classMap === undefined
    ? undefined
    : await nameMap('--class-map', classMap, 'physics=math,law=reasoning')
}

function namesIn(text: string): readonly string[] {
  const names = text.split(',').map((name) => name.trim())
  if (names.some((name) => name === '') || new Set(names).size < names.length) {
    throw badInput(`--classes ${text}: a class is empty or listed twice`)
  }
  return names
}

export function classOptions(command: Command): Command {
  return command
    .addOption(classByOption())
    .option(
      '--classes <which>',
      'gateway: those of the server that runs here, of --url or of --config; default; a policy file’s (.json); or names, separated by commas (default: the data set’s own)',
    )
    .option(
      '--class-map <pairs>',
      'the data set’s names to --classes: physics=math,law=reasoning, or a JSON file; of other rows whose name is no class it is inferred from the prompt',
    )
}

export const classByOption = () =>
  new Option('--class-by <field>', 'what a row is called by (default: category)').choices([
    'category',
    'task',
    'inferred',
  ])

/** `12 classes; of 640 rows 320 by name, 0 by the map, 320 inferred from their prompts`, where they are not the set's own. */
export function labelLines({ featureSpace, provenance }: PolicyFile): readonly string[] {
  const { labels } = provenance
  if (labels === undefined) return []
  const { byName, byMap, inferred } = labels.rows
  return [
    `${featureSpace.classes.length} classes; of the rows ${byName} have theirs by name, ${byMap} by the map, ${inferred} inferred from the prompt`,
  ]
}
