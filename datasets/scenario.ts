/** Scenarios: what happens to the arms while a dataset is replayed. The file format is described in README.md. */
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { z } from 'zod'
import { describeFirstIssue } from './issues.ts'
import { withoutMark } from './read/mark.ts'
import { DatasetError } from './types.ts'

interface EventBase {
  /** The first request that sees the change, counted from 0. */
  readonly atStep: number
}

/** Factors and deltas are relative to the dataset, not to the event before: 1 and 0 restore it. */
export type ArmEvent = EventBase & { readonly arm: string } & (
    | { readonly kind: 'price'; readonly priceFactor: number }
    | { readonly kind: 'quality'; readonly qualityDelta: number }
    | { readonly kind: 'add' }
    | { readonly kind: 'remove' }
  )

/** What is asked changes: from here on a row of a class comes so many times as readily; classes that are not named, once. */
export interface ClassShiftEvent extends EventBase {
  readonly kind: 'classes'
  readonly classWeights: Readonly<Record<string, number>>
}

export type ScenarioEvent = ArmEvent | ClassShiftEvent

export interface Scenario {
  readonly name: string
  readonly description: string
  /** At least one. */
  readonly events: readonly ScenarioEvent[]
}

const SCENARIO_ROOT = join(import.meta.dirname, 'scenarios')
const EXTENSION = '.json'
const CHANGES = ['priceFactor', 'qualityDelta', 'add', 'remove', 'classWeights'] as const

const eventSchema = z
  .strictObject(
    {
      atStep: z.int('expected a whole number ≥ 0').min(0, 'expected a whole number ≥ 0'),
      arm: z.string('expected the id of an arm').min(1, 'expected the id of an arm').optional(),
      priceFactor: z.number('expected a factor > 0').positive('expected a factor > 0').optional(),
      qualityDelta: z
        .number('expected a number from −1 to 1')
        .min(-1, 'expected a number from −1 to 1')
        .max(1, 'expected a number from −1 to 1')
        .optional(),
      add: z.literal(true, 'expected true').optional(),
      remove: z.literal(true, 'expected true').optional(),
      classWeights: z
        .record(z.string(), z.number('expected a weight ≥ 0').min(0, 'expected a weight ≥ 0'))
        .optional(),
    },
    `expected an event with atStep and one of ${CHANGES.join(', ')}`,
  )
  .refine((event) => CHANGES.filter((change) => event[change] !== undefined).length === 1, {
    message: `expected exactly one of ${CHANGES.join(', ')}`,
  })
  .refine(({ arm, classWeights }) => (arm === undefined) === (classWeights !== undefined), {
    message: 'expected the id of an arm with a change of an arm, and none with classWeights',
  })

const scenarioSchema = z.strictObject(
  {
    description: z.string('expected a text'),
    events: z.array(eventSchema, 'expected a list of events').min(1, 'expected at least one event'),
  },
  'expected an object with description and events',
)

/** Names of the scenarios that come with the package, sorted. */
export async function listBundledScenarios(): Promise<readonly string[]> {
  const files = await readdir(SCENARIO_ROOT)
  return files
    .filter((file) => file.endsWith(EXTENSION))
    .map((file) => basename(file, EXTENSION))
    .sort()
}

/**
 * Opens a bundled scenario by name, or a JSON file. A bundled name wins over a file of that name: write `./name`.
 *
 * @throws {DatasetError} `dataset_not_found` listing the bundled names; `dataset_bad_scenario` naming file, field and what
 * was found
 */
export async function openScenario(nameOrFile: string): Promise<Scenario> {
  const bundled = await listBundledScenarios()
  const path = bundled.includes(nameOrFile)
    ? join(SCENARIO_ROOT, `${nameOrFile}${EXTENSION}`)
    : resolve(nameOrFile)
  if (!existsSync(path)) {
    throw new DatasetError(
      'dataset_not_found',
      `scenario '${nameOrFile}': no file ${path}; give a JSON file, or a bundled name: ${bundled.join(', ')}`,
    )
  }
  let json: unknown
  try {
    json = JSON.parse(withoutMark(await readFile(path, 'utf8')))
  } catch (cause) {
    throw new DatasetError('dataset_bad_scenario', `${path}: not JSON: ${(cause as Error).message}`, {
      cause,
    })
  }
  const parsed = scenarioSchema.safeParse(json)
  if (!parsed.success) {
    throw new DatasetError('dataset_bad_scenario', `${path} ${describeFirstIssue(parsed.error, json)}`)
  }
  const { description, events } = parsed.data
  return { name: basename(path, EXTENSION), description, events: events.map(toEvent) }
}

function toEvent({
  atStep,
  arm = '',
  priceFactor,
  qualityDelta,
  add,
  classWeights,
}: z.infer<typeof eventSchema>): ScenarioEvent {
  if (classWeights !== undefined) return { atStep, kind: 'classes', classWeights }
  const base = { atStep, arm }
  if (priceFactor !== undefined) return { ...base, kind: 'price', priceFactor }
  if (qualityDelta !== undefined) return { ...base, kind: 'quality', qualityDelta }
  return { ...base, kind: add === true ? 'add' : 'remove' }
}
