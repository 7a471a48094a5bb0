/**
 * RouteLLM's evaluation data as its repository stores it (`routellm/evals`): for MMLU a CSV per subject and for GSM8K one CSV, with
 * `prompt` and a column of True and False for each model; for MT-Bench judgements and questions in JSON lines. Beside each, a list
 * of prompts that its authors leave out of scores. No cost and no tokens.
 *
 * @see Ong et al. 2024, "RouteLLM", arXiv 2406.18665
 */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { badCell, required, textIn, truthIn } from '../read/cells.ts'
import { readJsonLines } from '../read/json-lines.ts'
import { decodeOrTell, type ReadOptions } from '../read/options.ts'
import { openTable, type Table, type TableRow } from '../read/table.ts'
import { normalisePrompt, splitOf } from '../split-rule.ts'
import { type ArmOutcome, DatasetError, type PromptRow } from '../types.ts'
import { readMtBench } from './mt-bench.ts'
import type { LocatedRow, RowSource } from './source.ts'

const PROMPT = 'prompt'
const RESPONSE = '_response'
const CONTAMINATED = 'contaminated_prompts.jsonl'
const NAME = 'routellm'

/** The parts of `folder`, which is laid out as `routellm/evals`; undefined where there is none. */
export async function routeLlmFolder(folder: string): Promise<RowSource | undefined> {
  const responses = join(folder, 'mmlu', 'responses')
  const subjects = existsSync(responses)
    ? (await readdir(responses)).filter((file) => SUBJECT.test(file)).sort()
    : []
  const gsm8k = join(folder, 'gsm8k', 'gsm8k_responses.csv')
  const judgements = join(folder, 'mt_bench', 'judgements.jsonl')
  const tables = [...subjects.map((file) => join(responses, file)), gsm8k].filter((file) => existsSync(file))
  const all = existsSync(judgements) ? [...tables, judgements] : tables
  if (all.length === 0) return undefined
  return {
    name: NAME,
    format: 'routellm',
    files: all,
    licence: 'Apache-2.0',
    async *rows(options) {
      for (const file of all) {
        if (file === judgements) yield* mtBenchRows(file, options)
        else yield* tableRows(await openTable(file), options)
      }
    },
  }
}

/** `mmlu_<subject>.csv`, of a single file. */
const SUBJECT = /^mmlu_(.+)\.csv(\.gz)?$/

/** Whether a CSV of this name with these columns is one of RouteLLM's. */
export function isRouteLlm(path: string, columns: readonly string[]): boolean {
  const named = SUBJECT.test(basename(path)) || /^gsm8k_responses\.csv(\.gz)?$/.test(basename(path))
  return named && columns.includes(PROMPT) && armsOf(columns).length >= 2
}

export function routeLlm(table: Table): RowSource {
  return {
    name: basename(table.path).replace(/\.csv(\.gz)?$/, ''),
    format: 'routellm',
    files: [table.path],
    licence: 'Apache-2.0',
    rows: (options) => tableRows(table, options),
  }
}

/** `judgements.jsonl` with `question.jsonl` beside it. */
export function isMtBench(path: string): boolean {
  return basename(path) === 'judgements.jsonl'
}

export function mtBench(path: string): RowSource {
  return {
    name: 'mt-bench',
    format: 'routellm',
    files: [path],
    licence: 'Apache-2.0',
    rows: (options) => mtBenchRows(path, options),
  }
}

async function* mtBenchRows(path: string, options: ReadOptions): AsyncGenerator<LocatedRow> {
  yield* readMtBench(path, await contaminatedBeside(path), NAME, options)
}

async function* tableRows(table: Table, options: ReadOptions): AsyncGenerator<LocatedRow> {
  const subject = SUBJECT.exec(basename(table.path))?.[1]
  const contaminated = await contaminatedBeside(table.path)
  const arms = armsOf(table.columns ?? [])
  const [task, prefix] = subject === undefined ? ['gsm8k', 'gsm8k'] : ['mmlu', `mmlu-${subject}`]
  let count = 0
  for await (const line of table.rows(options)) {
    // The number of the question counts the bad ones too: ids do not depend on what could be read.
    const promptId = `${prefix}-${count++}`
    const row = decodeOrTell(options, (): PromptRow => {
      const prompt = required(textIn(line, PROMPT), line, PROMPT, 'a text')
      return {
        promptId,
        split: splitOf(NAME, normalisePrompt(prompt)),
        task,
        category: subject ?? task,
        prompt,
        contaminated: contaminated.has(prompt),
        outcomes: outcomesOf(line, arms),
      }
    })
    if (row !== undefined) yield { row, where: line.where, number: line.number }
  }
}

function outcomesOf(line: TableRow, arms: readonly string[]): ReadonlyMap<string, ArmOutcome> {
  const outcomes = new Map<string, ArmOutcome>()
  for (const arm of arms) {
    const isRight = truthIn(line, arm)
    if (isRight === undefined) throw badCell(line, arm, 'True or False', line.get(arm))
    const quality = isRight ? 1 : 0
    outcomes.set(arm, { quality, costUsd: undefined, inputTokens: undefined, outputTokens: undefined })
  }
  return outcomes
}

function armsOf(columns: readonly string[]): readonly string[] {
  return columns.filter((name) => name !== PROMPT && name !== '' && !name.endsWith(RESPONSE))
}

/** Prompts that the authors leave out of scores: listed in the file's folder, or the one above. */
async function contaminatedBeside(path: string): Promise<ReadonlySet<string>> {
  const folder = dirname(path)
  const list = [folder, dirname(folder)]
    .map((place) => join(place, CONTAMINATED))
    .find((file) => existsSync(file))
  const prompts = new Set<string>()
  if (list === undefined) return prompts
  const decode = (json: unknown, where: string): string => {
    const prompt = (json as { eval_prompt?: unknown } | null)?.eval_prompt
    if (typeof prompt === 'string') return prompt
    throw new DatasetError('dataset_bad_line', `${where} eval_prompt: expected a text`)
  }
  for await (const prompt of readJsonLines(list, decode)) prompts.add(prompt)
  return prompts
}
