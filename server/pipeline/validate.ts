/** zod's findings → one answer that names the field. */
import type { z } from 'zod'
import { type ServerError, serverError } from '../errors.ts'

/** @throws {ServerError} 400 `invalid_request` @param prefix put before the names of fields in messages */
export function parseOrRefuse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  prefix = '',
): z.output<Schema> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw refusal(result.error, prefix)
}

/** The first finding, by the field it is about. */
export function refusal(error: z.ZodError, prefix = ''): ServerError {
  const [first] = error.issues
  if (first === undefined) return serverError('invalid_request', 'The request is not valid.')
  const { path, message } = particular(first)
  const field = prefix + fieldName(path)
  return serverError('invalid_request', `${field === '' ? 'body' : field}: ${lowerFirst(message)}`, {
    param: field === '' ? null : field,
    shouldRetry: false,
  })
}

type Issue = z.core.$ZodIssue

/** Of a union, what is wrong with the branch that came furthest: that is the one that was meant. */
function particular(issue: Issue): { readonly path: readonly PropertyKey[]; readonly message: string } {
  if (issue.code === 'unrecognized_keys') {
    return { path: [...issue.path, issue.keys[0] ?? ''], message: 'unknown field' }
  }
  if (issue.code !== 'invalid_union') return issue
  const branches = issue.errors.flatMap((branch) => branch.slice(0, 1).map(particular))
  const furthest = Math.max(...branches.map(({ path }) => path.length))
  const meant = branches.find(({ path }) => path.length === furthest)
  if (meant === undefined || furthest > 0) {
    return { path: [...issue.path, ...(meant?.path ?? [])], message: meant?.message ?? issue.message }
  }
  const wanted = issue.errors.flatMap(([first]) => (first?.code === 'invalid_type' ? [first.expected] : []))
  return {
    path: issue.path,
    message: wanted.length > 1 ? `expected ${wanted.join(' or ')}` : meant.message,
  }
}

/** `messages[0].content` */
function fieldName(path: readonly PropertyKey[]): string {
  let name = ''
  for (const step of path) {
    if (typeof step === 'number') name += `[${step}]`
    else name += name === '' ? String(step) : `.${String(step)}`
  }
  return name
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1)
}
