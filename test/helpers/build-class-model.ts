/**
 * Trains the classifier of request classes on the labelled set and rewrites engine/text/class-model.json:
 * `node test/helpers/build-class-model.ts`. Families that are held out are not looked at.
 */
import { hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LabelledRequest, labelledRequests } from '../../datasets/request-classes/rows.ts'
import { characterShares } from '../../engine/text/character-shares.ts'
import {
  CLASS_BUCKETS,
  CLASS_FEATURES,
  eachClassFeature,
  INSTRUCTION_CHARS,
} from '../../engine/text/class-features.ts'
import { SCAN_LIMIT_CHARS, userText } from '../../engine/text/user-text.ts'
import { type Example, fitMultinomial } from './multinomial.ts'

/** What a text alone can tell; the other classes are told by what a request carries. */
export const TEXT_CLASSES = [
  'chat',
  'code',
  'math',
  'reasoning',
  'extraction',
  'summarization',
  'translation',
  'creative',
]
/** Chosen by leaving out a fifth of the training families at a time: 3e-5, 1e-4 and 3e-4 differ by less than 0.02. */
const PENALTY = 1e-4

/** Names what was trained on, so that a test can tell a model that is older than its rows or its features. */
export function fingerprint(rows: readonly LabelledRequest[]): string {
  // The last digits of a logarithm are the machine's.
  const seen = trainingRows(rows)
    .map(exampleOf)
    .map(({ label, indexes, values }) => [label, indexes, values.map((value) => value.toFixed(4))])
  return hash('sha256', JSON.stringify(seen)).slice(0, 16)
}

function trainingRows(rows: readonly LabelledRequest[]): readonly LabelledRequest[] {
  return rows.filter(
    ({ split, requestClass, request }) =>
      split === 'train' && TEXT_CLASSES.includes(requestClass) && request.wantsSchema !== true,
  )
}

function exampleOf({ requestClass, request }: LabelledRequest): Example {
  const indexes: number[] = []
  const values: number[] = []
  const shares = characterShares(userText(request, SCAN_LIMIT_CHARS))
  eachClassFeature(userText(request, INSTRUCTION_CHARS), shares, (index, value) => {
    indexes.push(index)
    values.push(value)
  })
  return { indexes, values, label: TEXT_CLASSES.indexOf(requestClass) }
}

function train(): object {
  const rows = labelledRequests()
  const examples = trainingRows(rows).map(exampleOf)
  const weights = fitMultinomial(examples, TEXT_CLASSES.length, CLASS_FEATURES, PENALTY)
  const bytes = Buffer.alloc(weights.length)
  /** Fills the bytes of features `from` … `to` of every class. @returns the scale of each class */
  const quantise = (from: number, to: number): number[] =>
    TEXT_CLASSES.map((_, k) => {
      const start = k * CLASS_FEATURES
      const own = weights.subarray(start + from, start + to)
      const scale = Number((Math.max(...own.map(Math.abs)) / 127).toPrecision(6))
      for (const [i, weight] of own.entries()) {
        bytes.writeInt8(Math.max(-127, Math.min(127, Math.round(weight / scale))), start + from + i)
      }
      return scale
    })
  const wordScale = quantise(0, CLASS_BUCKETS)
  const signScale = quantise(CLASS_BUCKETS, CLASS_FEATURES)
  return {
    version: 1,
    madeBy: 'test/helpers/build-class-model.ts',
    trainedOn: { rows: examples.length, fingerprint: fingerprint(rows) },
    classes: TEXT_CLASSES,
    wordScale,
    signScale,
    weights: bytes.toString('base64'),
  }
}

if (import.meta.main) {
  const path = join(import.meta.dirname, '..', '..', 'engine', 'text', 'class-model.json')
  writeFileSync(path, `${JSON.stringify(train(), undefined, 2)}\n`)
}
