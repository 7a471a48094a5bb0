/** The labelled set: prompts written from templates, with the class that each asks for. A pure function of its seed. */
import type { RequestText } from '../../engine/index.ts'
import { randomStream } from '../random.ts'
import { chat } from './families/chat.ts'
import { code } from './families/code.ts'
import { creative } from './families/creative.ts'
import { extraction } from './families/extraction.ts'
import { math } from './families/math.ts'
import { reasoning } from './families/reasoning.ts'
import { longContext, toolUse, vision } from './families/structural.ts'
import { summarization } from './families/summarization.ts'
import { translation } from './families/translation.ts'
import type { LabelledFamily } from './labelled-family.ts'

export const LABELLED_CLASSES: Readonly<Record<string, readonly LabelledFamily[]>> = {
  chat,
  code,
  math,
  reasoning,
  extraction,
  summarization,
  translation,
  creative,
  'tool-use': toolUse,
  vision,
  'long-context': longContext,
}

export interface LabelledRequest {
  readonly requestClass: string
  /** `<class>/<kind>`. */
  readonly family: string
  /** By family: what is held out shares no template with what is trained on. */
  readonly split: 'train' | 'held-out'
  /** One user message, without a class. `promptTokens` is characters / 4. */
  readonly request: RequestText
}

const SEED = 'request-classes-v1'
const CHARS_PER_TOKEN = 4
const PROMPTS_PER_FAMILY = 24
/** Draws for one new prompt; a family whose templates are exhausted sooner stays smaller. */
const ATTEMPTS = 12

/** 3,839 different prompts, in the order of the classes and their families. */
export function labelledRequests(seed: string = SEED): readonly LabelledRequest[] {
  const rows: LabelledRequest[] = []
  for (const [requestClass, families] of Object.entries(LABELLED_CLASSES)) {
    for (const family of families) {
      const prompts = new Set<string>()
      for (let draw = 0; prompts.size < PROMPTS_PER_FAMILY && draw < PROMPTS_PER_FAMILY * ATTEMPTS; draw++) {
        prompts.add(family.write(randomStream(seed, family.task, draw)).trim())
      }
      for (const text of prompts) rows.push(rowOf(requestClass, family, text))
    }
  }
  return rows
}

function rowOf(
  requestClass: string,
  { task, split, structure }: LabelledFamily,
  text: string,
): LabelledRequest {
  return {
    requestClass,
    family: task,
    split,
    request: {
      messages: [{ role: 'user', text }],
      promptTokens: Math.ceil(text.length / CHARS_PER_TOKEN),
      ...structure,
    },
  }
}
