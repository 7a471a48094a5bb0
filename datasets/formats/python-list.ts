/** Lists of texts as Python's `repr` writes them, `['one', "it's two"]`: what a data frame's CSV holds of a list. */

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '0': '\0',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
}

/** The texts of the list; what is not such a list is itself the one text. */
export function pythonTexts(text: string): readonly string[] {
  if (!/^\[\s*['"]/.test(text)) return [text]
  const texts: string[] = []
  let at = 1
  while (at < text.length) {
    while (text[at] === ' ' || text[at] === '\n' || text[at] === ',') at++
    if (text[at] === ']' && at === text.length - 1) return texts
    const quote = text[at]
    if (quote !== "'" && quote !== '"') break
    let value = ''
    at += 1
    while (at < text.length && text[at] !== quote) {
      if (text[at] !== '\\') {
        value += text[at]
        at += 1
        continue
      }
      const [read, length] = escapeAt(text, at + 1)
      value += read
      at += 1 + length
    }
    if (text[at] !== quote) break
    texts.push(value)
    at += 1
  }
  return [text]
}

/** What stands after the backslash, and how many characters of it that takes. */
function escapeAt(text: string, at: number): readonly [string, number] {
  const kind = text[at] ?? ''
  const digits = { x: 2, u: 4, U: 8 }[kind]
  if (digits !== undefined) {
    const hex = text.slice(at + 1, at + 1 + digits)
    const code = new RegExp(`^[0-9a-f]{${digits}}$`, 'i').test(hex) ? Number.parseInt(hex, 16) : Number.NaN
    if (code <= 0x10ffff) return [String.fromCodePoint(code), 1 + digits]
  }
  if (kind === "'" || kind === '"' || kind === '\\') return [kind, 1]
  const plain = ESCAPES[kind]
  return plain === undefined ? [`\\${kind}`, 1] : [plain, 1]
}
