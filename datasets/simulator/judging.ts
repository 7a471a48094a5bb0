/**
 * A simulated arm as a judge of other simulated answers: it reads the line in which an answer tells its own quality, adds the
 * error that a judge makes, and says that this is what it does.
 */
import type { RandomStream } from '../random.ts'
import { plausibleArguments } from './tool-arguments.ts'
import { findVerdict } from './verdict.ts'
import type { JsonObject } from './wire/wire.ts'

/** By which a schema shows that a judgement is asked for. */
const VERDICT_NAME = /^(verdict|score|rating|grade)$/i
const REASON_NAME = /^(reason(ing)?|explanation|rationale|comment)s?$/i
/** Standard deviation of a judge's error, on the scale from 0 to 1. */
const ERROR_SD = 0.1

/**
 * What satisfies the schema with the verdict at the quality of the judged answer; undefined where no judgement is asked for. A
 * number is put between `minimum` and `maximum` (0 and 1 where they are missing), a truth value is true from 0.5 on, and of a
 * list of labels the first is taken for the best.
 */
export function simulatedJudgement(
  schema: JsonObject,
  userText: string,
  random: RandomStream,
): JsonObject | undefined {
  const properties = asObject(schema['properties'])
  const name = Object.keys(properties).find((key) => VERDICT_NAME.test(key))
  if (name === undefined) return undefined
  const found = findVerdict(userText)
  const error = ERROR_SD * random.normal()
  const quality = found === undefined ? random.uniform() : Math.min(Math.max(found.quality + error, 0), 1)
  const origin =
    found === undefined
      ? 'Nothing in the answer tells its quality, so the verdict is drawn by chance.'
      : `The answer says of itself that its simulated quality is ${found.quality}; the verdict is that with an error.`
  const judgement: Record<string, unknown> = {
    ...plausibleArguments(schema, random, userText),
    [name]: valueAt(quality, asObject(properties[name])),
  }
  for (const key of Object.keys(properties)) {
    if (REASON_NAME.test(key)) judgement[key] = `A simulated judgement: no model read this. ${origin}`
  }
  return judgement
}

function valueAt(quality: number, schema: JsonObject): unknown {
  const labels = schema['enum']
  if (Array.isArray(labels) && labels.length > 0) {
    return labels[Math.min(Math.floor((1 - quality) * labels.length), labels.length - 1)]
  }
  // Google spells types in capitals.
  const type = String(schema['type']).toLowerCase()
  if (type === 'boolean') return quality >= 0.5
  const low = numberOr(schema['minimum'], 0)
  const value = low + quality * (numberOr(schema['maximum'], low + 1) - low)
  return type === 'integer' ? Math.round(value) : Number(value.toFixed(3))
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}

function asObject(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
}
