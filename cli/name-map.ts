/** Names of a data set and what they are called elsewhere, as a flag: pairs, or a JSON file of them. */
import type { Command } from 'commander'
import { type Dataset, openDataset, renameArms } from '../datasets/index.ts'
import { parseJson, readText } from './policy-file.ts'
import { badInput } from './policy-lookup.ts'

export type NameMap = Readonly<Record<string, string>>

/** `physics=math,law=reasoning`, or the path of a JSON file. @throws `config_invalid` naming the flag, for what is neither */
export async function nameMap(flag: string, text: string, example: string): Promise<NameMap> {
  const entries = text.endsWith('.json')
    ? Object.entries(Object(parseJson(text, await readText(text))))
    : text.split(',').map((pair): [string, string | undefined] => {
        const at = pair.lastIndexOf('=')
        return [pair.slice(0, Math.max(at, 0)).trim(), pair.slice(at + 1).trim()]
      })
  const map = new Map<string, string>()
  for (const [name, target] of entries) {
    if (name === '' || typeof target !== 'string' || target === '') {
      throw badInput(
        `${flag} ${text}: expected pairs of the data set’s name and another, ${example}, or a JSON file of them`,
      )
    }
    map.set(name, target)
  }
  return Object.fromEntries(map)
}

export interface ArmFlags {
  readonly armMap?: string
}

export function armMapOption(command: Command): Command {
  return command.option(
    '--arm-map <pairs>',
    'from the data set’s arms to those of the gateway: gpt-4o=openai/gpt-4o, or a JSON file; --arms and all else then goes by the new names',
  )
}

/** A set with its arms as `--arm-map` calls them. */
export async function openDatasetAs(name: string, { armMap }: ArmFlags): Promise<Dataset> {
  const dataset = await openDataset(name)
  if (armMap === undefined) return dataset
  return renameArms(dataset, await nameMap('--arm-map', armMap, 'gpt-4o=openai/gpt-4o'))
}
