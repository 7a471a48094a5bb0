import type { z } from 'zod'
import { reportIssues } from './problems.ts'
import { type Config, configSchema } from './schema.ts'
import type { ConfigDocument, Path } from './yaml.ts'

/**
 * The document as far as it has the right shape. What has not is reported and left out, so that one look finds what is
 * wrong in the parts and also what is wrong between them. The document's value must be a map.
 */
export function validShape(document: ConfigDocument): Config {
  const input = structuredClone(document.value)
  for (;;) {
    const result = configSchema.safeParse(input)
    if (result.success) return result.data
    reportIssues(document, result.error.issues)
    document.settle()
    // All are found before any is removed: the second fault in one list must not take the list's owner with it.
    const faults = result.error.issues.flatMap(faultyPaths).map((path) => locate(input, path))
    for (const { container, key } of faults) delete container[key]
  }
}

function faultyPaths(issue: z.core.$ZodIssue): Path[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path]
}

/** What to leave out because of a fault at `path`: for an item its whole list, for something missing the map that needs it. */
function locate(
  root: unknown,
  path: Path,
): { container: Record<string | number, unknown>; key: string | number } {
  const key = path.at(-1)
  if (key === undefined) throw new Error('a configuration cannot be wrong as a whole and a map at once')
  const container = path
    .slice(0, -1)
    .reduce<unknown>((value, part) => (isObject(value) ? value[part] : undefined), root)
  return isObject(container) && !Array.isArray(container) && Object.hasOwn(container, key)
    ? { container, key }
    : locate(root, path.slice(0, -1))
}

function isObject(value: unknown): value is Record<string | number, unknown> {
  return typeof value === 'object' && value !== null
}
