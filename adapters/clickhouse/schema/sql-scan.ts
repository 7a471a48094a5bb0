/** Looks for things in a statement that stand outside of quotes and brackets. Comments are gone already. */

const QUOTED = /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`\\]|\\.|``)*`/y

/** Positions of `text` outside of quotes and brackets, one after the other. */
function* topLevel(text: string): Generator<number> {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    QUOTED.lastIndex = at
    const quoted = QUOTED.exec(text)?.[0]
    if (quoted !== undefined) {
      at += quoted.length - 1
      continue
    }
    const char = text[at]
    if (char === ')' || char === ']') depth -= 1
    if (depth === 0) yield at
    if (char === '(' || char === '[') depth += 1
  }
}

/** Cut at the commas between them. */
export function splitTop(text: string): string[] {
  const parts: string[] = []
  let start = 0
  for (const at of topLevel(text)) {
    if (text[at] !== ',') continue
    parts.push(text.slice(start, at).trim())
    start = at + 1
  }
  parts.push(text.slice(start).trim())
  return parts
}

/** Where `pattern` first matches; −1: nowhere. */
export function indexOfTop(text: string, pattern: RegExp): number {
  const sticky = new RegExp(pattern.source, `${pattern.flags.replace('y', '')}y`)
  for (const at of topLevel(text)) {
    sticky.lastIndex = at
    if (sticky.test(text)) return at
  }
  return -1
}

/** Names of the columns that a `CREATE TABLE … (…)` lists. */
export function columnsOf(createTable: string): string[] {
  const open = createTable.indexOf('(')
  let end = createTable.length
  for (const at of topLevel(createTable.slice(open))) {
    if (createTable[open + at] === ')') {
      end = open + at
      break
    }
  }
  return splitTop(createTable.slice(open + 1, end))
    .map((line) => /^\w+/.exec(line)?.[0] ?? '')
    .filter((name) => name !== '' && !/^(INDEX|PROJECTION|CONSTRAINT)$/i.test(name))
}
