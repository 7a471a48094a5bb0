/** The set's rows as JSON, in the order they are bundled: shuffled by id, so that any stretch of the file is a mixture. */
import { hash } from 'node:crypto'
import { randomStream } from '../random.ts'
import { type OutcomeJson, type PromptDraft, simulateOutcomes } from './outcomes.ts'
import { REQUEST_CLASS_NAMES, REQUEST_CLASSES, type RequestClass } from './requests/index.ts'

export const SEED = 'crossroads-v1'
const TRAIN_PERCENT = 70
/** Templates with few combinations repeat themselves; a prompt that was written before is written anew. */
const MAX_ATTEMPTS = 100

export interface RowJson {
  readonly prompt_id: string
  readonly split: 'train' | 'test'
  readonly task: string
  readonly category: RequestClass
  readonly prompt: string
  readonly outcomes: Readonly<Record<string, OutcomeJson>>
}

/** @throws {RangeError} when the templates cannot yield as many different prompts as are asked for */
export function buildRows(seed: string = SEED): readonly RowJson[] {
  const written = new Set<string>()
  const rows = REQUEST_CLASS_NAMES.flatMap((requestClass) =>
    Array.from({ length: REQUEST_CLASSES[requestClass].promptCount }, (_, index) =>
      toRow(seed, draftPrompt(seed, requestClass, index, written)),
    ),
  )
  const position = new Map(rows.map((row) => [row, hash('sha256', `${seed}:order:${row.prompt_id}`)]))
  return rows.sort((one, other) => (String(position.get(one)) < String(position.get(other)) ? -1 : 1))
}

function draftPrompt(
  seed: string,
  requestClass: RequestClass,
  index: number,
  written: Set<string>,
): PromptDraft {
  const { families } = REQUEST_CLASSES[requestClass]
  const family = families[index % families.length]
  if (family === undefined) throw new RangeError(`class ${requestClass} has no families`)
  const promptId = `cr-${requestClass}-${String(index + 1).padStart(3, '0')}`
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const prompt = family.write(randomStream(seed, 'text', promptId, attempt)).trim()
    if (written.has(prompt)) continue
    written.add(prompt)
    return { promptId, requestClass, task: family.task, prompt }
  }
  throw new RangeError(
    `${family.task}: no new prompt for ${promptId} in ${MAX_ATTEMPTS} attempts; add templates or slots`,
  )
}

function toRow(seed: string, draft: PromptDraft): RowJson {
  return {
    prompt_id: draft.promptId,
    split: splitOf(draft.promptId),
    task: draft.task,
    category: draft.requestClass,
    prompt: draft.prompt,
    outcomes: simulateOutcomes(seed, draft),
  }
}

/** By hash of the id, so that a prompt keeps its split when others come or go. */
function splitOf(promptId: string): 'train' | 'test' {
  const bucket = Number.parseInt(hash('sha256', `split-v1:crossroads:${promptId}`).slice(0, 8), 16) % 100
  return bucket < TRAIN_PERCENT ? 'train' : 'test'
}
