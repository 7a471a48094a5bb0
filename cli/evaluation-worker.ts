/** A thread that reads its part of a log: first the survey, then, once those of all parts are together, the scores. */
import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import {
  type EvaluationQuestion,
  type ReadableLog,
  type ScoringState,
  type SurveyState,
  scoreLog,
  surveyLog,
} from '../eval/index.ts'
import { type LogSource, type Shard, withLog } from './evaluation-log.ts'
import { messageOf } from './run.ts'

/** What a thread is given. */
export interface PartTask {
  readonly source: LogSource
  readonly question: EvaluationQuestion
  readonly shard: Shard
}

export type PartReply =
  | { readonly kind: 'survey'; readonly state: SurveyState }
  | { readonly kind: 'scoring'; readonly state: ScoringState }
  | { readonly kind: 'failed'; readonly message: string; readonly code: string | undefined }

const { source, question, shard } = workerData as PartTask
const reply = (message: PartReply): void => parentPort?.postMessage(message)

async function run(log: ReadableLog): Promise<void> {
  if (parentPort === null) return
  const together = once(parentPort, 'message')
  reply({ kind: 'survey', state: await surveyLog(log, question) })
  const [survey] = (await together) as [SurveyState]
  reply({ kind: 'scoring', state: await scoreLog(log, question, survey) })
}

try {
  await withLog(source, (part) => run(part(shard)))
} catch (error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  reply({ kind: 'failed', message: messageOf(error), code })
}
