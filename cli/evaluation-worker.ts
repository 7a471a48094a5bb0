/** A thread that reads its part of a log: first the survey, then, once those of all parts are together, the scores. */
import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import {
  type EvaluationQuestion,
  RepeatFilter,
  type RepeatsState,
  type ScoringState,
  type SurveyState,
  scoreLog,
  surveyLog,
} from '../eval/index.ts'
import { type LogSource, type OpenLog, type Shard, withLog } from './evaluation-log.ts'
import { messageOf } from './run.ts'

/** What a thread is given. */
export interface PartTask {
  readonly source: LogSource
  readonly question: EvaluationQuestion
  readonly shard: Shard
  /** Of the filter that all threads share. */
  readonly seen: SharedArrayBuffer
}

export type PartReply =
  | { readonly kind: 'survey'; readonly state: SurveyState }
  | { readonly kind: 'scoring'; readonly state: ScoringState; readonly repeats: RepeatsState }
  | { readonly kind: 'failed'; readonly message: string; readonly code: string | undefined }

const { source, question, shard, seen } = workerData as PartTask
const reply = (message: PartReply): void => parentPort?.postMessage(message)

async function run({ part, repeats }: OpenLog): Promise<void> {
  if (parentPort === null) return
  const log = part(shard)
  const together = once(parentPort, 'message')
  reply({ kind: 'survey', state: await surveyLog(log, question) })
  const [survey] = (await together) as [SurveyState]
  const state = await scoreLog(log, question, survey)
  reply({ kind: 'scoring', state, repeats: repeats.state() })
}

try {
  await withLog(source, run, new RepeatFilter(seen))
} catch (error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  reply({ kind: 'failed', message: messageOf(error), code })
}
