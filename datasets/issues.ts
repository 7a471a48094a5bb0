/** Says what is wrong with a piece of JSON: the field's path, what was expected there and what was found. */
import type { z } from 'zod'

const MAX_FOUND_CHARS = 60

/**
 * A map by names without the name that schemas pass over: plain objects have it for their prototype.
 *
 * @returns the input, for the schema; what is wrong with it is told as of any other name
 */
export function refusingProto(input: unknown, context: z.RefinementCtx): unknown {
  if (typeof input === 'object' && input !== null && Object.hasOwn(input, '__proto__')) {
    context.addIssue({ code: 'custom', path: ['__proto__'], message: 'expected another name' })
  }
  return input
}

/** `outcomes.gpt-4.quality: expected a number in [0, 1], got 1.3`. Tells the first issue only: it is repaired first. */
export function describeFirstIssue(error: z.ZodError, input: unknown): string {
  return describeIssues(error, input)[0] ?? error.message
}

/** All of them. */
export function describeIssues(error: z.ZodError, input: unknown): readonly string[] {
  return error.issues.map((issue) => {
    const field = issue.path.length === 0 ? 'top level' : issue.path.map(String).join('.')
    return `${field}: ${issue.message}, got ${describeFound(valueAt(input, issue.path))}`
  })
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}

/** A value as a message shows it: short. */
export function describeFound(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value))
  return text.length > MAX_FOUND_CHARS ? `${text.slice(0, MAX_FOUND_CHARS)}…` : text
}
