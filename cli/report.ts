/** Reports on disk. */
import { writeFile } from 'node:fs/promises'

/** The page, and the same as data beside it: `out.html` and `out.json`. */
export async function writeReport(path: string, page: string, data: unknown): Promise<void> {
  await writeFile(path, page)
  await writeFile(`${path.replace(/\.html?$/, '')}.json`, `${JSON.stringify(data, undefined, 2)}\n`)
  process.stderr.write(`${path}: written, with its JSON beside it\n`)
}

/** What was typed, for a reader who wants to type it again. */
export function typedCommand(): string {
  return ['highwayman', ...process.argv.slice(2)]
    .map((word) => (/^[\w./:,=+-]+$/.test(word) ? word : `'${word}'`))
    .join(' ')
}
