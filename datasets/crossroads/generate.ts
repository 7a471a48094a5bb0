/**
 * Rewrites the bundled set from its recipe: `node datasets/crossroads/generate.ts`. The same recipe gives the same lines,
 * byte for byte, on every machine. The gzip container is left alone when its content is right, because zlib builds differ
 * in how they compress.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { modelsJson } from './arms.ts'
import { buildRows } from './rows.ts'
import { summarize, summaryMarkdown } from './summary.ts'

const FOLDER = import.meta.dirname
const TABLES_BEGIN = '<!-- tables: written by generate.ts -->'
const TABLES_END = '<!-- end of tables -->'

export interface GeneratedFiles {
  /** The content of `prompts.jsonl.gz`, unzipped. */
  readonly promptLines: string
  readonly models: string
  /** The README's tables between their markers. */
  readonly tables: string
}

export function generate(): GeneratedFiles {
  const rows = buildRows()
  return {
    promptLines: rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
    models: `${JSON.stringify(modelsJson(), null, 2)}\n`,
    tables: `${TABLES_BEGIN}\n\n${summaryMarkdown(summarize(rows))}\n\n${TABLES_END}`,
  }
}

async function rewrite(): Promise<void> {
  const files = generate()
  const promptPath = join(FOLDER, 'prompts.jsonl.gz')
  const bundled = await readFile(promptPath).catch(() => undefined)
  const isCurrent = bundled !== undefined && gunzipSync(bundled).toString('utf8') === files.promptLines
  if (!isCurrent) await writeFile(promptPath, gzipSync(files.promptLines, { level: 9 }))
  await writeFile(join(FOLDER, 'models.json'), files.models)
  const readmePath = join(FOLDER, 'README.md')
  const readme = await readFile(readmePath, 'utf8')
  const [before, after] = [readme.indexOf(TABLES_BEGIN), readme.indexOf(TABLES_END)]
  if (before === -1 || after === -1)
    throw new Error(`${readmePath} has lost its markers ${TABLES_BEGIN} … ${TABLES_END}`)
  await writeFile(
    readmePath,
    readme.slice(0, before) + files.tables + readme.slice(after + TABLES_END.length),
  )
  process.stdout.write(`${files.tables}\nprompts.jsonl.gz ${isCurrent ? 'was current' : 'rewritten'}\n`)
}

if (import.meta.main) await rewrite()
