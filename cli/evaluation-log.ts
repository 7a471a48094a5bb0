/** The log that an evaluation reads, told by flags: files in any format, or the store. As data, so that a worker can open it too. */
import { availableParallelism } from 'node:os'
import type { Store } from '../adapters/index.ts'
import {
  BANDIT_FORMATS,
  type BanditFormat,
  banditFormatOf,
  DatasetError,
  type LogFormat,
  readBanditFile,
  readLogFile,
  toDecision,
} from '../datasets/index.ts'
import { hash53, type LoggedDecision } from '../engine/index.ts'
import type { EvaluationRow, ReadableLog } from '../eval/index.ts'
import { readServerLog, type ServerFlags, serverOf } from './admin-client.ts'
import { withStore } from './configured-store.ts'

/** One of `of` parts of about the same size, by a hash of the decision's id. */
export interface Shard {
  readonly index: number
  readonly of: number
}

export interface LogSource {
  /** Files, or `store`. */
  readonly log: readonly string[]
  readonly format?: BanditFormat | undefined
  readonly fromMs: number
  readonly toMs: number
  readonly tenant?: string | undefined
  /** Requests to one virtual model only. */
  readonly model?: string | undefined
  readonly store: ServerFlags
}

export const STORE = 'store'

export function isStore({ log }: Pick<LogSource, 'log'>): boolean {
  return log.length === 1 && log[0] === STORE
}

/** A store, or a running server that has it. */
type LogReader = Pick<Store, 'readLog'>

/**
 * Opens what the flags name, runs over parts of it, and closes it whatever happens. An embedded store that a server has open is read by way of it.
 *
 * @throws what opening, reading and `run` throw
 */
export async function withLog<T>(
  source: LogSource,
  run: (part: (shard: Shard) => ReadableLog) => Promise<T>,
): Promise<T> {
  const over = (reader: LogReader | undefined) => run((shard) => openLog(source, shard, reader))
  if (!isStore(source)) return await over(undefined)
  const url = await serverOf(source.store)
  if (url !== undefined) return await over(serverReader(url, source.store.adminKey))
  return await withStore(source.store, over)
}

function serverReader(url: string, key: string | undefined): LogReader {
  return {
    async *readLog({ shard = { index: 0, of: 1 }, ...query }) {
      for await (const row of readServerLog(url, key, query)) if (isIn(shard, row)) yield row
    },
  }
}

function isIn({ index, of }: Shard, { id }: Pick<EvaluationRow, 'id'>): boolean {
  return of === 1 || Math.floor(hash53(id, 'shard') * of) === index
}

/** @throws {DatasetError} while reading: a file that is none, or a bad line */
function openLog(source: LogSource, shard: Shard, store: LogReader | undefined): ReadableLog {
  const { fromMs, toMs, tenant, model } = source
  if (store !== undefined) return () => ofModel(store.readLog({ fromMs, toMs, tenant, shard }), model)
  return async function* () {
    for (const path of source.log) {
      for await (const row of ofModel(rowsOf(path, source.format), model)) {
        if (row.atMs < fromMs || row.atMs >= toMs) continue
        if (tenant !== undefined && row.tenant !== tenant) continue
        if (isIn(shard, row)) yield row
      }
    }
  }
}

async function* ofModel(
  rows: AsyncIterable<EvaluationRow>,
  model: string | undefined,
): AsyncGenerator<EvaluationRow> {
  for await (const row of rows) if (model === undefined || row.requestedModel === model) yield row
}

/** Own logs as they are; foreign ones as far as they tell. */
async function* rowsOf(path: string, format: BanditFormat | undefined): AsyncGenerator<EvaluationRow> {
  const known = format ?? (await banditFormatOf(path))
  if (known === undefined) {
    throw new DatasetError(
      'dataset_unreadable',
      `${path}: not a log of a known format; name it with --format (${BANDIT_FORMATS.join(', ')})`,
    )
  }
  if (known !== 'open-bandit' && known !== 'cb-adf') {
    yield* readLogFile(path, known satisfies LogFormat)
    return
  }
  for await (const row of readBanditFile(path, known)) {
    if (row.skipLearn) continue
    if (row.weight !== 1) {
      throw new DatasetError(
        'dataset_bad_line',
        `${path} ${row.id}: stands for ${row.weight} rounds; give the whole log, of which nothing was dropped`,
      )
    }
    yield foreign(toDecision(row, { spread: true }), row.probabilities === undefined)
  }
}

/** A slot is what a request class is: another place with values of its own. */
function foreign(decision: LoggedDecision, tellsDrawnOnly: boolean): EvaluationRow {
  const requestClass = decision.requestClass || (decision.metadata['position'] ?? '')
  return tellsDrawnOnly
    ? { ...decision, requestClass, probabilities: undefined }
    : { ...decision, requestClass }
}

/** Threads that a remote store or several files keep busy. */
export function defaultThreads(): number {
  return Math.min(4, availableParallelism())
}
