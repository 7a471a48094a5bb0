/** A mapping file, YAML or JSON: which column of a table is what. Its format is described in docs/datasets.md. */
import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { z } from 'zod'
import { describeIssues } from '../issues.ts'
import { TABLE_FORMATS } from '../read/table.ts'
import { DatasetError } from '../types.ts'

/** The error of an object that takes no other fields. */
function strictly(expected: string) {
  const error = (issue: { readonly code?: string | undefined; readonly keys?: unknown }): string =>
    Array.isArray(issue.keys) ? `there is no field ${issue.keys.join(', ')}` : expected
  return { error }
}

const column = z.string('expected the name of a column').min(1, 'expected the name of a column')
/** A column, or the same value for every row. */
const columnOrValue = z.union(
  [column, z.strictObject({ value: z.string().min(1) })],
  'expected the name of a column, or { value: … }',
)
const outcomeColumns = z.strictObject(
  {
    quality: column,
    cost_usd: column.optional(),
    input_tokens: column.optional(),
    output_tokens: column.optional(),
  },
  strictly('expected an object with the columns of quality, cost_usd, input_tokens and output_tokens'),
)
const ARM = '{arm}'
const patterns = outcomeColumns.refine(
  (columns) => columnEntries(columns).every(([, pattern]) => pattern.split(ARM).length === 2),
  `expected each to hold ${ARM} once`,
)

const mappingSchema = z
  .strictObject(
    {
      name: z.string('expected a text').min(1, 'expected a text').optional(),
      licence: z.string('expected a text').optional(),
      files: z
        .union(
          [column.transform((file) => [file]), z.array(column).min(1)],
          'expected a file or a list of files',
        )
        .optional(),
      format: z.enum(TABLE_FORMATS, `expected one of ${TABLE_FORMATS.join(', ')}`).optional(),
      prompt_id: column.optional(),
      prompt: column,
      split: columnOrValue.optional(),
      task: columnOrValue.optional(),
      category: columnOrValue.optional(),
      contaminated: column.optional(),
      quality_range: z
        .tuple([z.number(), z.number()], 'expected the lowest and the highest quality, [0, 10]')
        .refine(([least, most]) => least < most, 'expected the lowest quality before the highest')
        .optional(),
      cost_factor: z.number('expected a factor > 0').positive('expected a factor > 0').optional(),
      arms: z
        .record(z.string().min(1), outcomeColumns, 'expected an object with one entry per arm')
        .optional(),
      arm_columns: patterns.optional(),
      arm: column.optional(),
      outcome: outcomeColumns.optional(),
      adjacent: z.boolean('expected true or false').optional(),
    },
    strictly('expected an object'),
  )
  .superRefine((mapping, context) => {
    const say = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message, input: mapping })
    const ways = [mapping.arms, mapping.arm_columns, mapping.outcome].filter((way) => way !== undefined)
    if (ways.length !== 1)
      say('arms', 'expected exactly one of arms, arm_columns (wide) and outcome with arm (long)')
    if (mapping.outcome !== undefined && mapping.arm === undefined)
      say('arm', 'expected the column that names the arm')
    if (mapping.outcome === undefined && mapping.arm !== undefined)
      say('outcome', 'expected the columns of the outcome, as there is a column for the arm')
    if (mapping.outcome !== undefined && mapping.prompt_id === undefined)
      say('prompt_id', 'expected the column by which rows of one prompt are told')
    if (mapping.adjacent !== undefined && mapping.outcome === undefined)
      say('adjacent', 'expected only with outcome')
    if (mapping.arms !== undefined && Object.keys(mapping.arms).length === 0)
      say('arms', 'expected at least one arm')
  })

export type OutcomeColumns = z.output<typeof outcomeColumns>

/** The columns that are named, each with its field. */
export function columnEntries(
  columns: OutcomeColumns,
): readonly (readonly [field: string, column: string])[] {
  return Object.entries(columns).filter((entry): entry is [string, string] => entry[1] !== undefined)
}

export type Mapping = z.output<typeof mappingSchema>
export type ColumnOrValue = z.output<typeof columnOrValue>

export interface MappingFile {
  readonly path: string
  readonly mapping: Mapping
  /** Absolute; empty where the mapping names none. */
  readonly files: readonly string[]
}

/** Endings of a mapping's name: `mapping.yaml` in a folder, `results.mapping.yaml` beside `results.csv`. */
const ENDING = /(^|\.)mapping\.(ya?ml|json)$/

export function isMappingName(path: string): boolean {
  return ENDING.test(basename(path))
}

/** @throws {DatasetError} `dataset_bad_mapping` naming file and field; `dataset_unreadable` */
export async function readMapping(path: string): Promise<MappingFile> {
  const json = await parseFile(path)
  const parsed = mappingSchema.safeParse(json)
  if (!parsed.success) {
    const [first = parsed.error.message, ...more] = describeIssues(parsed.error, json).map(
      (issue) => `${path} ${issue}`,
    )
    throw new DatasetError('dataset_bad_mapping', first, { more })
  }
  const files = (parsed.data.files ?? []).map((file) => resolve(dirname(path), file))
  return { path, mapping: parsed.data, files }
}

async function parseFile(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new DatasetError('dataset_unreadable', `${path}: ${(cause as Error).message}`, { cause })
  }
  const { parse: parseYaml, YAMLParseError } = await import('yaml')
  try {
    // JSON is YAML too, and YAML's errors tell line and column.
    return parseYaml(text, { logLevel: 'error' })
  } catch (cause) {
    if (!(cause instanceof YAMLParseError)) throw cause
    throw new DatasetError('dataset_bad_mapping', `${path}: not YAML or JSON: ${cause.message}`, { cause })
  }
}
