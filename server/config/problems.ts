/** Zod's issues in the words of the file: what is wrong, what would be right, never the value of a secret. */
import type { z } from 'zod'
import { didYouMean } from './nearest.ts'
import { configSchema } from './schema.ts'
import { knownKeys } from './schema-keys.ts'
import type { ConfigDocument, Path } from './yaml.ts'

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map',
  record: 'a map',
  array: 'a list',
}

function typeOf(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  return TYPE_NAMES[typeof value] ?? typeof value
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null
        ? (value as Record<string | number, unknown>)[part]
        : undefined,
    root,
  )
}

/** A number or a choice may be repeated in a message. */
function shown(document: ConfigDocument, path: Path): string {
  const value = valueAt(document.value, path)
  return typeof value === 'number' || typeof value === 'string' ? String(value) : ''
}

function boundText(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig, got: string): string {
  if (issue.origin !== 'number' && issue.origin !== 'int') return 'must not be empty'
  const bound =
    issue.code === 'too_small'
      ? `${issue.inclusive ? '≥' : '>'} ${issue.minimum}`
      : `${issue.inclusive ? '≤' : '<'} ${issue.maximum}`
  return `must be ${bound}${got === '' ? '' : `, got ${got}`}`
}

function choiceText(issue: z.core.$ZodIssueInvalidValue, got: string): string {
  const choices = issue.values.map(String)
  return got === ''
    ? `must be one of ${choices.join(', ')}`
    : `"${got}" is not one of ${choices.join(', ')}${didYouMean(got, choices)}`
}

function unknownKeyText(key: string, known: readonly string[]): string {
  const hint = didYouMean(key, known)
  return `unknown key "${key}"${hint === '' ? `; known here: ${known.join(', ')}` : hint}`
}

/** Adds what zod found to the document's problems. */
export function reportIssues(document: ConfigDocument, issues: readonly z.core.$ZodIssue[]): void {
  for (const issue of issues) {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
    switch (issue.code) {
      case 'unrecognized_keys': {
        const known = knownKeys(configSchema, path)
        for (const key of issue.keys) document.report([...path, key], 'key', unknownKeyText(key, known))
        break
      }
      case 'invalid_key':
        document.report(path, 'key', issue.issues[0]?.message ?? issue.message)
        break
      case 'invalid_type': {
        const expected = TYPE_NAMES[issue.expected] ?? issue.expected
        const got = typeOf(valueAt(document.value, path))
        const missing = got === 'nothing' && !document.has(path)
        const fraction = issue.expected === 'int' ? shown(document, path) : ''
        document.report(
          path,
          'value',
          missing ? `missing; expected ${expected}` : `expected ${expected}, got ${fraction || got}`,
        )
        break
      }
      case 'too_small':
      case 'too_big':
        document.report(path, 'value', boundText(issue, shown(document, path)))
        break
      case 'invalid_value':
        document.report(path, 'value', choiceText(issue, shown(document, path)))
        break
      default:
        document.report(path, 'value', issue.message)
    }
  }
}
