/** The kinds of values that a configuration is made of. */
import { z } from 'zod'
import { CAPABILITIES } from '../../engine/index.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/
const ARM_ID = /^[A-Za-z0-9][A-Za-z0-9._-]*\/[^\s/][^\s]*$/
const MODEL_NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/
export const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
// Node refuses header values with other characters at the first request; better here.
export const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

const NAME_RULE = 'must be letters, digits, ".", "_" or "-", beginning with a letter or digit'

/** A map of known keys. `server:` with nothing below it is the same as no `server` at all. */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.preprocess((value) => value ?? {}, z.strictObject(shape))
}

// What comes out of an environment variable is text, also where the file needs a number or a truth value.
export function number(schema: z.ZodNumber = z.number()) {
  return z.preprocess(
    (value) =>
      typeof value === 'string' && value.trim() !== '' && !Number.isNaN(Number(value))
        ? Number(value)
        : value,
    schema,
  )
}
export const integer = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  number(z.number().int().min(least).max(most))
export const milliseconds = () => integer(1, 24 * 3_600_000)
export const amount = () => number(z.number().nonnegative())
export const share = () => number(z.number().min(0).max(1))
export const truth = () =>
  z.preprocess((value) => (value === 'true' ? true : value === 'false' ? false : value), z.boolean())

export const text = () => z.string().regex(/\S/, 'must not be blank')
export const name = () => z.string().regex(NAME, NAME_RULE)
export const armId = () => z.string().regex(ARM_ID, 'must be provider/model')
export const modelName = () => z.string().regex(MODEL_NAME, NAME_RULE.replace('"_"', '"_", ":", "/"'))
/** Entries under names of the user's choice. */
export function named<Key extends z.ZodString, Value extends z.ZodType>(key: Key, value: Value) {
  return z.preprocess((entries) => entries ?? {}, z.record(key, value))
}
/** As the API takes them. */
export const metricName = () => z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, NAME_RULE)
export const capabilities = () => z.array(z.enum(CAPABILITIES))

/** An address that holds no credentials: it is shown in messages and on the dashboard. */
export const address = () =>
  z.string().refine(
    (value) => {
      const url = URL.canParse(value) ? new URL(value) : undefined
      return (
        url !== undefined &&
        /^https?:$/.test(url.protocol) &&
        url.username === '' &&
        url.password === '' &&
        url.search === '' &&
        url.hash === ''
      )
    },
    { error: 'must be an http:// or https:// address without user, password, query or fragment' },
  )
