/** A set whose arms are called otherwise, as a gateway calls them for instance. */
import { type Dataset, DatasetError, type PromptRow } from './types.ts'

/**
 * Arms that are not in `names` keep theirs.
 *
 * @param names from the set's own to new ones
 * @returns a set whose `rows` throws {DatasetError} `dataset_bad_option` where two arms would have one name, and after the last row
 * for a name that no row has
 * @throws {DatasetError} `dataset_bad_option` where two models would have one name
 */
export function renameArms(dataset: Dataset, names: Readonly<Record<string, string>>): Dataset {
  const nameOf = new Map(Object.entries(names))
  const renamed = <Value>(byArm: ReadonlyMap<string, Value>): Map<string, Value> => {
    const result = new Map([...byArm].map(([arm, value]) => [nameOf.get(arm) ?? arm, value]))
    if (result.size === byArm.size) return result
    const arms = [...byArm.keys()].map((arm) => nameOf.get(arm) ?? arm)
    const twice = arms.find((arm, i) => arms.indexOf(arm) !== i)
    throw new DatasetError('dataset_bad_option', `two arms of ${dataset.name} would be called ${twice}`)
  }
  return {
    ...dataset,
    models: renamed(dataset.models),
    async *rows(options): AsyncGenerator<PromptRow> {
      const seen = new Set<string>()
      for await (const row of dataset.rows(options)) {
        for (const arm of row.outcomes.keys()) seen.add(arm)
        yield { ...row, outcomes: renamed(row.outcomes) }
      }
      const nowhere = [...nameOf.keys()].filter((arm) => !seen.has(arm))
      if (nowhere.length === 0) return
      throw new DatasetError(
        'dataset_bad_option',
        `${dataset.name} has no arm ${nowhere.join(', ')} to call otherwise; it has ${[...seen].join(', ')}`,
      )
    },
  }
}
