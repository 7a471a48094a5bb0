/**
 * Checks texts against JSON Schemas in a thread of its own: both come from strangers, and a schema can be made that takes a
 * validator minutes. The gateway ends the thread when a check takes too long (`json-checker.ts`).
 */
import { parentPort } from 'node:worker_threads'
import { Ajv, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { JsonVerdict } from './signals.ts'

export interface CheckRequest {
  readonly id: number
  /** JSON of the schema; undefined: any JSON will do. */
  readonly schema: string | undefined
  readonly text: string
}
export interface CheckReply {
  readonly id: number
  readonly verdict: JsonVerdict
}
/** `ready` comes first: from then on a check takes its own time only. */
export type WorkerMessage = CheckReply | 'ready'

const SCHEMAS_MAX = 64
/** Formats and unknown keywords are taken as remarks, as the specification has them. */
const OPTIONS = { strict: false, validateFormats: false, logger: false } as const
/** A schema that says so is of an older draft, where `items` may be a list. */
const OLDER_DRAFT = /draft-0[4-7]/

/** By the schema's JSON, the latest last; undefined for one that is none. */
const known = new Map<string, ValidateFunction | undefined>()

parentPort?.on('message', ({ id, schema, text }: CheckRequest) => {
  parentPort?.postMessage({ id, verdict: check(schema, text) } satisfies WorkerMessage)
})

function check(schema: string | undefined, text: string): JsonVerdict {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'invalid'
  }
  if (schema === undefined) return 'valid'
  const validate = validatorOf(schema)
  if (validate === undefined) return 'unknown'
  return validate(value) ? 'valid' : 'invalid'
}

function validatorOf(schema: string): ValidateFunction | undefined {
  if (known.has(schema)) {
    const validate = known.get(schema)
    known.delete(schema)
    known.set(schema, validate)
    return validate
  }
  const validate = compile(schema)
  known.set(schema, validate)
  const [oldest] = known.keys()
  if (known.size > SCHEMAS_MAX && oldest !== undefined) known.delete(oldest)
  return validate
}

/** One instance for each schema: two that have the same `$id` are not each other's. */
function compile(text: string): ValidateFunction | undefined {
  try {
    const schema = JSON.parse(text) as { $schema?: unknown; $async?: unknown }
    // Of one that says it is asynchronous the answer would be a promise.
    const { $schema: draft, $async: _, ...rest } = schema
    const isOlder = typeof draft === 'string' && OLDER_DRAFT.test(draft)
    return isOlder ? new Ajv(OPTIONS).compile(rest) : new Ajv2020(OPTIONS).compile(rest)
  } catch {
    // It refers to something elsewhere, or is no schema: nothing can be said.
    return undefined
  }
}

// What is compiled for the first time takes ten times as long: no stranger's schema pays for it.
check('{"type":"object"}', '{}')
parentPort?.postMessage('ready' satisfies WorkerMessage)
