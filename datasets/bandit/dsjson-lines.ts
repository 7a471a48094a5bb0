/** Lines of dsjson, each of which says a thing once. */
import { readJsonLines } from '../read/json-lines.ts'
import type { ReadOptions } from '../read/options.ts'
import { repeatedKey } from '../read/repeated-key.ts'
import { DatasetError } from '../types.ts'

/** @throws {DatasetError} `dataset_bad_line`, also where a label stands in a line twice; and what `decode` throws */
export function readDsjsonLines<T>(
  path: string,
  decode: (json: unknown, where: string) => T,
  options: ReadOptions,
): AsyncGenerator<T> {
  return readJsonLines(
    path,
    (json, where, _number, text) => {
      const key = typeof json === 'object' && json !== null ? repeatedKey(text, json) : undefined
      if (key === undefined) return decode(json, where)
      throw new DatasetError(
        'dataset_bad_line',
        `${where} ${key}: expected once in a line, got twice; leave the right one`,
      )
    },
    options,
  )
}
