/** The two passes over a log, by several threads where that helps: each reads a part, and their sums are added up. */
import { extname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import {
  createScoring,
  type EvaluationQuestion,
  RepeatFilter,
  Repeats,
  type RepeatsState,
  type ScoringState,
  Survey,
  type SurveyState,
  scoreLog,
  surveyLog,
} from '../eval/index.ts'
import { configuredStore } from './configured-store.ts'
import { checkFiles, defaultThreads, isStore, type LogSource, type Shard, withLog } from './evaluation-log.ts'
import type { PartReply, PartTask } from './evaluation-worker.ts'

const WORKER = join(import.meta.dirname, `evaluation-worker${extname(import.meta.filename)}`)

export interface Passes {
  readonly survey: SurveyState
  readonly scoring: ScoringState
}

/** @throws what reading and evaluating throw, whichever thread it happens in */
export async function readInParts(
  source: LogSource,
  question: EvaluationQuestion,
  shard: Shard,
  threads?: number,
): Promise<Passes> {
  const tasks = await partsOf(source, shard, threads ?? defaultThreads())
  if (tasks.length === 1) return await readAlone(source, question, shard)
  if (!isStore(source)) await checkFiles(source)
  const filter = new RepeatFilter()
  const parts = tasks.map((task) => new PartThread({ ...task, question, seen: filter.memory }))
  try {
    const merged = new Survey(question.preferences)
    for (const state of await Promise.all(parts.map((part) => part.survey()))) merged.merge(state)
    const survey = merged.state()
    const scoring = createScoring(question, survey)
    const repeats = new Repeats(filter)
    for (const scored of await Promise.all(parts.map((part) => part.score(survey)))) {
      scoring.merge(scored.state)
      repeats.merge(scored.repeats)
    }
    return { survey, scoring: scoring.state() }
  } finally {
    await Promise.all(parts.map((part) => part.end()))
  }
}

async function readAlone(source: LogSource, question: EvaluationQuestion, shard: Shard): Promise<Passes> {
  return await withLog(source, async ({ part }) => {
    const log = part(shard)
    const survey = await surveyLog(log, question)
    return { survey, scoring: await scoreLog(log, question, survey) }
  })
}

/** A file is read by one thread, and so is an embedded store: it lives in one process, and takes one reader as well as many. */
async function partsOf(
  source: LogSource,
  shard: Shard,
  threads: number,
): Promise<Omit<PartTask, 'question' | 'seen'>[]> {
  if (isStore(source)) {
    const count = (await isRemote(source)) ? threads : 1
    return Array.from({ length: count }, (_, part) => ({
      source,
      shard: { index: shard.index + shard.of * part, of: shard.of * count },
    }))
  }
  const count = Math.min(threads, source.log.length)
  return Array.from({ length: count }, (_, part) => ({
    source: { ...source, log: source.log.filter((_path, i) => i % count === part) },
    shard,
  }))
}

async function isRemote({ store }: LogSource): Promise<boolean> {
  return store.url === undefined && (await configuredStore(store)).store.kind === 'remote'
}

interface ScoredPart {
  readonly state: ScoringState
  readonly repeats: RepeatsState
}

class PartThread {
  readonly #worker: Worker
  readonly #survey = Promise.withResolvers<SurveyState>()
  readonly #scoring = Promise.withResolvers<ScoredPart>()

  constructor(task: PartTask) {
    this.#worker = new Worker(WORKER, { workerData: task })
    this.#worker.on('message', (reply: PartReply) => {
      if (reply.kind === 'survey') this.#survey.resolve(reply.state)
      else if (reply.kind === 'scoring') this.#scoring.resolve(reply)
      else this.#fail(Object.assign(new Error(reply.message), reply.code && { code: reply.code }))
    })
    this.#worker.on('error', (error) => this.#fail(error))
    this.#worker.on('exit', (code) => this.#fail(new Error(`a reading thread ended with ${code}`)))
    // Who asks for the second pass has had the failure of the first.
    this.#survey.promise.catch(() => {})
    this.#scoring.promise.catch(() => {})
  }

  survey(): Promise<SurveyState> {
    return this.#survey.promise
  }

  /** @param survey of all parts together */
  score(survey: SurveyState): Promise<ScoredPart> {
    this.#worker.postMessage(survey)
    return this.#scoring.promise
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #fail(error: unknown): void {
    this.#survey.reject(error)
    this.#scoring.reject(error)
  }
}
