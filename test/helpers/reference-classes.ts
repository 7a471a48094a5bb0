/**
 * Prompts of the reference sets whose task or subject is one of our classes. Questions with answers to choose from are
 * `reasoning`, except where they are about mathematics; what could be argued either way is left out.
 */
import { existsSync } from 'node:fs'
import { openDataset, type PromptRow } from '../../datasets/index.ts'
import { sharedPath } from './shared.ts'

export interface ReferenceRequest {
  readonly set: string
  readonly label: string
  readonly prompt: string
}

const MMLU_PRO: Readonly<Record<string, string>> = {
  math: 'math',
  law: 'reasoning',
  history: 'reasoning',
  philosophy: 'reasoning',
  psychology: 'reasoning',
  biology: 'reasoning',
  health: 'reasoning',
}
const PARETOBANDIT: Readonly<Record<string, string>> = {
  mbpp: 'code',
  gsm8k: 'math',
  mmlu: 'reasoning',
  arc_challenge: 'reasoning',
  openbookqa: 'reasoning',
  winogrande: 'reasoning',
  hellaswag: 'reasoning',
  bbh: 'reasoning',
  truthful_qa: 'chat',
}
const MT_BENCH: Readonly<Record<string, string>> = {
  writing: 'creative',
  roleplay: 'creative',
  reasoning: 'reasoning',
  math: 'math',
  coding: 'code',
  extraction: 'extraction',
}
const ROUTERBENCH: Readonly<Record<string, string>> = {
  'arc-challenge': 'reasoning',
  winogrande: 'reasoning',
  mbpp: 'code',
  'grade-school-math': 'math',
}
const ZEROEVAL: Readonly<Record<string, string>> = { gsm: 'math', 'math-l5': 'math', crux: 'code' }

/** By folder: the part of the set that a row belongs to, and its class; undefined leaves the row out. */
const READERS: Readonly<
  Record<string, (row: PromptRow) => readonly [part: string, label: string | undefined]>
> = {
  'mmlu-pro': ({ category }) => [
    category === 'math' ? 'mmlu-pro math' : 'mmlu-pro other subjects',
    MMLU_PRO[category],
  ],
  zeroeval: ({ task }) => [`zeroeval ${task}`, ZEROEVAL[task]],
  paretobandit: ({ task }) => [`paretobandit ${task}`, PARETOBANDIT[task]],
  routellm: ({ task, category }) => ['mt-bench', task === 'mt-bench' ? MT_BENCH[category] : undefined],
  'routerbench-subset': ({ task }) => [`routerbench ${task}`, ROUTERBENCH[task]],
}

/** Of the sets that are there. */
export async function* referenceRequests(): AsyncGenerator<ReferenceRequest> {
  for (const [folder, read] of Object.entries(READERS)) {
    const path = sharedPath('data', folder)
    if (!existsSync(path)) continue
    for await (const row of (await openDataset(path)).rows()) {
      const [set, label] = read(row)
      if (label !== undefined) yield { set, label, prompt: row.prompt }
    }
  }
}
