/** The request classes of the set, with how many prompts each has: about what a mixed product sees, not equal shares. */
import type { Family } from '../template.ts'
import { chat } from './chat.ts'
import { code } from './code.ts'
import { creative } from './creative.ts'
import { extraction } from './extraction.ts'
import { longContext } from './long-context.ts'
import { math } from './math.ts'
import { reasoning } from './reasoning.ts'
import { summarization } from './summarization.ts'
import { toolUse } from './tool-use.ts'
import { translation } from './translation.ts'

export const REQUEST_CLASSES = {
  chat: { promptCount: 140, families: chat },
  code: { promptCount: 120, families: code },
  math: { promptCount: 100, families: math },
  reasoning: { promptCount: 90, families: reasoning },
  extraction: { promptCount: 100, families: extraction },
  summarization: { promptCount: 90, families: summarization },
  translation: { promptCount: 100, families: translation },
  creative: { promptCount: 90, families: creative },
  'tool-use': { promptCount: 90, families: toolUse },
  'long-context': { promptCount: 40, families: longContext },
} as const satisfies Record<string, { readonly promptCount: number; readonly families: readonly Family[] }>

export type RequestClass = keyof typeof REQUEST_CLASSES
export const REQUEST_CLASS_NAMES = Object.keys(REQUEST_CLASSES) as readonly RequestClass[]
