/** Sets that others have published and that `datasets fetch` knows where to get; a manifest of one's own has the same shape. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { describeFirstIssue } from './issues.ts'
import { withoutMark } from './read/mark.ts'
import { DatasetError } from './types.ts'

const text = z.string('expected a text').min(1, 'expected a text')
const digest = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits')
/** Below the folder that is fetched into, whatever the manifest says. */
const relative = text.refine(
  (path) => !/^([/\\]|[a-z]:)/i.test(path) && !path.split(/[/\\]/).includes('..'),
  'expected a path below the folder',
)

const fileSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'expected an http or https address' }),
  path: relative,
  /** Of the file as it is served. Absent: not known before the first fetch, which then fixes it in the lock file. */
  sha256: digest.optional(),
})
const setSchema = z.strictObject({
  what: text,
  source: text,
  licence: text,
  /** What to do with the files before they can be opened. */
  next_step: text.optional(),
  files: z.array(fileSchema, 'expected a list of files').min(1, 'expected a file'),
})
const manifestSchema = z.record(z.string(), setSchema, 'expected an object with one entry per set')

export type PublishedSet = z.output<typeof setSchema>
export type PublishedFile = z.output<typeof fileSchema>

/** The package's own list. */
export const MANIFEST = join(import.meta.dirname, 'manifest.json')

/** @throws {DatasetError} `dataset_bad_mapping` naming file and field, `dataset_unreadable` */
export async function readManifest(path = MANIFEST): Promise<ReadonlyMap<string, PublishedSet>> {
  let json: unknown
  try {
    json = JSON.parse(withoutMark(await readFile(path, 'utf8')))
  } catch (cause) {
    throw new DatasetError('dataset_unreadable', `${path}: ${(cause as Error).message}`, { cause })
  }
  const parsed = manifestSchema.safeParse(json)
  if (parsed.success) return new Map(Object.entries(parsed.data))
  throw new DatasetError('dataset_bad_mapping', `${path} ${describeFirstIssue(parsed.error, json)}`)
}
