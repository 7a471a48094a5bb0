/** Traces of when requests came and how long they were: the Azure traces (CSV) and Mooncake's (JSON lines). No prompts, no outcomes. */
import { z } from 'zod'
import { describeFirstIssue } from './issues.ts'
import { badCell, numberIn, required, textIn } from './read/cells.ts'
import { csvColumns } from './read/csv.ts'
import { readJsonLines } from './read/json-lines.ts'
import { decodeOrTell, type ReadOptions } from './read/options.ts'
import { openTable, type TableRow } from './read/table.ts'
import { DatasetError } from './types.ts'

const AZURE = ['TIMESTAMP', 'ContextTokens', 'GeneratedTokens'] as const

export interface Arrival {
  /** Since the trace began. */
  readonly atMs: number
  readonly inputTokens: number
  readonly outputTokens: number
  /** Blocks of 512 prompt tokens, by ids that are equal where the tokens up to there are; absent where the trace tells none. */
  readonly prefixBlocks?: readonly number[]
}

const tokens = z.int('expected a whole number of tokens ≥ 0').min(0, 'expected a whole number of tokens ≥ 0')
const mooncakeSchema = z.looseObject(
  {
    timestamp: z.number('expected ms since the start').min(0, 'expected ms since the start'),
    input_length: tokens,
    output_length: tokens,
    hash_ids: z.array(z.int('expected the id of a block'), 'expected a list of blocks').optional(),
  },
  'expected an object',
)

export function areArrivalColumns(columns: readonly string[]): boolean {
  return AZURE.every((name) => columns.includes(name))
}

/** @throws {DatasetError} `dataset_bad_line` naming file, line and field; `dataset_unreadable` */
export async function* readArrivals(path: string, options: ReadOptions = {}): AsyncGenerator<Arrival> {
  if (!/\.csv(\.gz)?$/.test(path)) {
    yield* readJsonLines(path, mooncakeArrival, options)
    return
  }
  if (!areArrivalColumns(await csvColumns(path))) {
    throw new DatasetError('dataset_bad_line', `${path}:1: expected the columns ${AZURE.join(', ')}`)
  }
  let startMs: number | undefined
  for await (const line of (await openTable(path)).rows(options)) {
    const arrival = decodeOrTell(options, () => {
      const atMs = azureTime(line)
      startMs ??= atMs
      return {
        atMs: atMs - startMs,
        inputTokens: tokensIn(line, AZURE[1]),
        outputTokens: tokensIn(line, AZURE[2]),
      }
    })
    if (arrival !== undefined) yield arrival
  }
}

function mooncakeArrival(json: unknown, where: string): Arrival {
  const parsed = mooncakeSchema.safeParse(json)
  if (!parsed.success) {
    throw new DatasetError('dataset_bad_line', `${where} ${describeFirstIssue(parsed.error, json)}`)
  }
  const { timestamp, input_length, output_length, hash_ids } = parsed.data
  return {
    atMs: timestamp,
    inputTokens: input_length,
    outputTokens: output_length,
    ...(hash_ids !== undefined && { prefixBlocks: hash_ids }),
  }
}

/** `2023-11-16 18:17:03.9799600`, in UTC. */
function azureTime(line: TableRow): number {
  const text = required(textIn(line, AZURE[0]), line, AZURE[0], 'a time')
  const ms = Date.parse(`${text.trim().replace(' ', 'T')}Z`)
  if (Number.isNaN(ms)) throw badCell(line, AZURE[0], 'a time', text)
  return ms
}

function tokensIn(line: TableRow, column: string): number {
  const count = required(numberIn(line, column), line, column, 'a number of tokens')
  if (!Number.isInteger(count) || count < 0)
    throw badCell(line, column, 'a whole number of tokens ≥ 0', count)
  return count
}
