/** The versioned recipe that turns a request into a context vector. */
import { EngineError } from './errors.ts'
import { sha256Hex } from './hash.ts'
import { type TextProjection, writeTextProjection } from './text/projection.ts'
import { createTextBlock, type TextBlock } from './text/text-block.ts'
import type { FeatureSpaceId, RequestFacts } from './types.ts'

export const DEFAULT_CLASSES: readonly string[] = [
  'chat',
  'code',
  'math',
  'reasoning',
  'extraction',
  'summarization',
  'translation',
  'creative',
  'tool-use',
  'vision',
  'long-context',
  'other',
]

/** A block of coordinates that share a prior scale. */
export type FeatureBlock = 'intercept' | 'class' | 'structure' | 'text'

export interface FeatureSpace {
  /** Hash of the recipe; changes whenever the meaning of any coordinate does. */
  readonly id: FeatureSpaceId
  readonly dimension: number
  /**
   * The heads of speed and length look only at the first so many coordinates (intercept, class, structure): what a text
   * is about says little of how fast it is answered, and shorter vectors make their updates cheap.
   */
  readonly servingDimension: number
  /** Name of each coordinate: `intercept`, `class:code`, `structure:turns`, … */
  readonly names: readonly string[]
  /** Block of each coordinate. */
  readonly blocks: readonly FeatureBlock[]
  readonly classes: readonly string[]
  /** What turns a text into the coordinates of the text block; absent where the space has none. */
  readonly text?: TextBlock
  /**
   * Length `dimension`, `x[0] = 1`, all else within [−1, 1]. A class that the space does not know gets no coordinate, and
   * facts without `text` have zeros in the text block: the head then goes by class and structure.
   *
   * @throws {EngineError} `engine_bad_observation` for facts whose `text` has another length than the block
   */
  vector(facts: RequestFacts): Float64Array
}

const RECIPE_VERSION = 1

/** Each is centred near 0 for a plain request, so that the intercept keeps its meaning and the prior fits every one. */
const STRUCTURE: readonly (readonly [name: string, value: (facts: RequestFacts) => number])[] = [
  ['prompt-tokens', (facts) => clamp(Math.log2(1 + facts.promptTokens) / 8 - 1)],
  ['turns', (facts) => clamp(Math.log2(Math.max(facts.turns, 1)) / 5)],
  ['code', (facts) => clamp(facts.codeShare * 5)],
  ['math', (facts) => clamp(facts.mathShare * 8)],
  ['digits', (facts) => clamp(facts.digitShare * 4)],
  ['question', (facts) => (facts.hasQuestion ? 0.5 : -0.5)],
  ['non-latin', (facts) => clamp(facts.nonLatinShare)],
  ['tools', (facts) => (facts.toolCount > 0 ? 1 : 0)],
  ['schema', (facts) => (facts.wantsSchema ? 1 : 0)],
  ['images', (facts) => (facts.imageCount > 0 ? 1 : 0)],
  [
    'requested-tokens',
    (facts) =>
      facts.requestedOutputTokens === undefined
        ? 0
        : clamp(Math.log2(1 + facts.requestedOutputTokens) / 8 - 1),
  ],
]

export interface FeatureSpaceOptions {
  /** @default DEFAULT_CLASSES */
  readonly classes?: readonly string[]
  /** Adds a text block. Absent: the space, and its id, are those of classes and structure alone. */
  readonly text?: TextProjection
}

/** @throws {EngineError} `engine_bad_config` for an empty or repeated class. */
export function createFeatureSpace(options: FeatureSpaceOptions = {}): FeatureSpace {
  const classes = [...(options.classes ?? DEFAULT_CLASSES)]
  const position = new Map<string, number>()
  for (const [i, name] of classes.entries()) {
    if (name === '' || position.has(name)) {
      throw new EngineError('engine_bad_config', `class ${JSON.stringify(name)} is empty or listed twice`)
    }
    position.set(name, 1 + i)
  }
  const structureStart = 1 + classes.length
  const textStart = structureStart + STRUCTURE.length
  const text = options.text && createTextBlock(options.text)
  const names = [
    'intercept',
    ...classes.map((c) => `class:${c}`),
    ...STRUCTURE.map(([n]) => `structure:${n}`),
    ...Array.from({ length: text?.components ?? 0 }, (_, j) => `text:${j + 1}`),
  ]
  const blocks = names.map((_, i): FeatureBlock => {
    if (i === 0) return 'intercept'
    if (i < structureStart) return 'class'
    return i < textStart ? 'structure' : 'text'
  })
  const dimension = names.length
  return {
    id: spaceId(names, options.text),
    dimension,
    servingDimension: textStart,
    names,
    blocks,
    classes,
    ...(text !== undefined && { text }),
    vector(facts) {
      const x = new Float64Array(dimension)
      x[0] = 1
      const classPosition = position.get(facts.requestClass)
      if (classPosition !== undefined) x[classPosition] = 1
      for (let i = 0; i < STRUCTURE.length; i++) x[structureStart + i] = STRUCTURE[i]![1](facts)
      if (facts.text !== undefined && text !== undefined) {
        if (facts.text.length !== text.components) {
          throw new EngineError(
            'engine_bad_observation',
            `facts have ${facts.text.length} text components, the feature space ${text.components}: describe the request with its text block`,
          )
        }
        x.set(facts.text, textStart)
      }
      return x
    },
  }
}

/** Statistics merge within an id, so whatever changes the meaning of a coordinate must change it. */
function spaceId(names: readonly string[], text: TextProjection | undefined): FeatureSpaceId {
  const recipe = { version: RECIPE_VERSION, names, ...(text && { text: writeTextProjection(text) }) }
  return sha256Hex(JSON.stringify(recipe)).slice(0, 16) as FeatureSpaceId
}

/** The coordinate that says how long a prompt is, and the tokens that a value of it stands for. */
export const PROMPT_TOKENS_COORDINATE = 'structure:prompt-tokens'
export function promptTokensAt(coordinate: number): number {
  return 2 ** (8 * (coordinate + 1)) - 1
}

function clamp(value: number): number {
  return Math.min(1, Math.max(-1, value))
}
