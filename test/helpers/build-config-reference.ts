/** Renders the table of docs/configuration.md from the schema: `node test/helpers/build-config-reference.ts`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { configSchema } from '../../server/config/schema.ts'
import { listSettings } from '../../server/config/schema-keys.ts'

export const REFERENCE_FILE = resolve(import.meta.dirname, '../../docs/configuration.md')
const BEGIN = '<!-- rendered from server/config/schema.ts by test/helpers/build-config-reference.ts -->'
const END = '<!-- end -->'

/** `text` with the table between the two marks made anew. @throws {Error} when a mark is missing */
export function withReference(text: string): string {
  const begin = text.indexOf(BEGIN)
  const end = text.indexOf(END)
  if (begin === -1 || end < begin) throw new Error(`${REFERENCE_FILE} has lost the marks around its table`)
  return `${text.slice(0, begin)}${BEGIN}\n\n${table()}\n\n${text.slice(end)}`
}

function table(): string {
  const rows = listSettings(configSchema).map(
    ({ path, type, default: value, description }) =>
      `| \`${path}\` | ${type} | ${value === undefined ? '' : `\`${value}\``} | ${description} |`,
  )
  return ['| key | type | default | |', '|---|---|---|---|', ...rows].join('\n')
}

if (import.meta.main) writeFileSync(REFERENCE_FILE, withReference(readFileSync(REFERENCE_FILE, 'utf8')))
