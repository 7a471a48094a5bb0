/** The log that an evaluation reads, told by flags: files in any format, or the store. As data, so that a worker can open it too. */
import { stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import type { Store } from '../adapters/index.ts'
import {
  BANDIT_FORMATS,
  type BanditFormat,
  banditFormatOf,
  DatasetError,
  type LogFormat,
  readBanditFile,
  readPlacedLog,
  toDecision,
} from '../datasets/index.ts'
import { hash53, type LoggedDecision } from '../engine/index.ts'
import { checkSummable, type EvaluationRow, type ReadableLog, RepeatFilter, Repeats } from '../eval/index.ts'
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

/** Reads parts of a log that is open, and says afterwards what may be in other files too. */
export interface OpenLog {
  part(shard: Shard): ReadableLog
  readonly repeats: Repeats
}

/**
 * Opens what the flags name, runs over parts of it, and closes it whatever happens. An embedded store that a server has open is read by way of it.
 *
 * @param filter shared by threads that read other files of the same log
 * @throws {EvaluationError} `eval_repeated_decision` in the second reading of a part; {DatasetError} for a file that is given
 *   twice; and what opening, reading and `run` throw
 */
export async function withLog<T>(
  source: LogSource,
  run: (log: OpenLog) => Promise<T>,
  filter = new RepeatFilter(),
): Promise<T> {
  const repeats = new Repeats(filter)
  const over = (reader: LogReader | undefined) =>
    run({ part: (shard) => openLog(source, shard, reader, repeats), repeats })
  if (!isStore(source)) {
    await checkFiles(source)
    return await over(undefined)
  }
  const url = await serverOf(source.store)
  if (url !== undefined) return await over(serverReader(url, source.store.adminKey))
  return await withStore(source.store, over)
}

/** @throws {DatasetError} `dataset_bad_option` for one that is given twice, under whichever names */
export async function checkFiles({ log }: Pick<LogSource, 'log'>): Promise<void> {
  const seen = new Map<string, string>()
  for (const path of log) {
    // Of what cannot be looked at, reading tells.
    const file = await stat(path, { bigint: true }).catch(() => undefined)
    if (file === undefined) continue
    const [identity, known] = [`${file.dev}:${file.ino}`, seen.get(`${file.dev}:${file.ino}`)]
    if (known !== undefined) {
      const names = known === path ? path : `${known} and ${path}`
      throw new DatasetError('dataset_bad_option', `--log: the same file is given twice, ${names}`)
    }
    seen.set(identity, path)
  }
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

/**
 * A store has every decision once. Of files those are looked for that are in them twice: in the first reading all are counted, later
 * ones find them.
 *
 * @throws {EvaluationError} `eval_bad_row`, {DatasetError} while reading: a file that is none, or a bad line
 */
function openLog(
  source: LogSource,
  shard: Shard,
  store: LogReader | undefined,
  repeats: Repeats,
): ReadableLog {
  const rows = store === undefined ? () => inFiles(source, shard) : () => inStore(source, shard, store)
  let readings = 0
  return async function* () {
    const isFirst = readings++ === 0
    for await (const { row, where, hasId } of rows()) {
      if (isFirst) checkSummable(row, where)
      if (hasId) {
        if (isFirst) repeats.count(row.id)
        else repeats.check(row.id, where)
      }
      yield row
    }
  }
}

interface PlacedRow {
  readonly row: EvaluationRow
  readonly where: string
  /** True: the row has an id of its own, by which it can be told from others wherever it stands. */
  readonly hasId: boolean
}

async function* inStore(
  { fromMs, toMs, tenant, model }: LogSource,
  shard: Shard,
  store: LogReader,
): AsyncGenerator<PlacedRow> {
  for await (const row of store.readLog({ fromMs, toMs, tenant, shard })) {
    if (isOf(model, row)) yield { row, where: `decision ${row.id}`, hasId: false }
  }
}

async function* inFiles(source: LogSource, shard: Shard): AsyncGenerator<PlacedRow> {
  const { fromMs, toMs, tenant, model } = source
  for (const path of source.log) {
    for await (const placed of rowsOf(path, source.format)) {
      const { row } = placed
      if (!isOf(model, row) || row.atMs < fromMs || row.atMs >= toMs) continue
      if (tenant !== undefined && row.tenant !== tenant) continue
      if (isIn(shard, row)) yield placed
    }
  }
}

function isOf(model: string | undefined, { requestedModel }: EvaluationRow): boolean {
  return model === undefined || requestedModel === model
}

/** Own logs as they are; foreign ones as far as they tell. */
async function* rowsOf(path: string, format: BanditFormat | undefined): AsyncGenerator<PlacedRow> {
  const known = format ?? (await banditFormatOf(path))
  if (known === undefined) {
    throw new DatasetError(
      'dataset_unreadable',
      `${path}: not a log of a known format; name it with --format (${BANDIT_FORMATS.join(', ')})`,
    )
  }
  if (known !== 'open-bandit' && known !== 'cb-adf') {
    for await (const { decision, where } of readPlacedLog(path, known satisfies LogFormat)) {
      yield { row: decision, where, hasId: true }
    }
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
    const decision = foreign(toDecision(row, { spread: true }), row.probabilities === undefined)
    yield { row: decision, where: `${path} ${row.id}`, hasId: false }
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
