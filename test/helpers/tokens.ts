/**
 * A lexer for the TypeScript of this repository, just deep enough to tell code from comments, strings, templates and
 * regular expressions, so that a check which reads source never takes a word in a comment or a string for code.
 * It does not know JSX, which no file here uses, and relies on `tsc` for the rest of the grammar.
 */

export interface Token {
  /** `template` is one literal stretch of a template; the code inside `${…}` arrives as tokens of its own. */
  readonly kind: 'word' | 'number' | 'string' | 'template' | 'regex' | 'punctuation'
  /** As written; for `string` and `template` without the delimiters. Punctuation is one character a token. */
  readonly text: string
  /** 1-based. */
  readonly line: number
}

const SKIPPED = /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const WORD = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy
const NUMBER = /(?:0[xob][\da-f_]+|\d[\d_]*\.?[\d_]*(?:e[+-]?\d+)?)n?/iy
const STRING = /"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'/y
const TEMPLATE_STRETCH = /[`}](?:\\[\s\S]|\$(?!\{)|[^\\`$])*(?:`|\$\{)/y
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y

/** After these words a `/` begins a regular expression; after any other word it divides. */
const WORDS_BEFORE_REGEX = new Set(
  'await case delete do else in instanceof new of return throw typeof void yield'.split(' '),
)

/** @throws {SyntaxError} naming the line of a string, template or regular expression that does not end. */
export function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = []
  /** For every open `{`, whether its `}` returns to a template. */
  const braces: ('block' | 'template')[] = []
  let at = /^#![^\n]*/.exec(source)?.[0].length ?? 0
  let line = 1

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(source)?.[0]
  }
  const demand = (pattern: RegExp, what: string): string => {
    const text = match(pattern)
    if (text === undefined) throw new SyntaxError(`line ${line}: ${what} without an end`)
    return text
  }
  const consume = (text: string) => {
    at += text.length
    for (const char of text) if (char === '\n') line++
  }
  const push = (kind: Token['kind'], written: string, text = written) => {
    tokens.push({ kind, text, line })
    consume(written)
  }
  const pushTemplate = () => {
    const stretch = demand(TEMPLATE_STRETCH, 'template')
    const closes = stretch.endsWith('`')
    if (!closes) braces.push('template')
    push('template', stretch, stretch.slice(1, closes ? -1 : -2))
  }

  while (at < source.length) {
    const skipped = match(SKIPPED)
    if (skipped !== undefined) {
      consume(skipped)
      continue
    }
    const char = source[at]!
    const word = match(WORD)
    if (word !== undefined) push('word', word)
    else if (/\d/.test(char)) push('number', demand(NUMBER, 'number'))
    else if (char === '"' || char === "'") {
      const string = demand(STRING, 'string')
      push('string', string, string.slice(1, -1))
    } else if (char === '`') pushTemplate()
    else if (char === '}' && braces.pop() === 'template') pushTemplate()
    else if (char === '/' && regexMayFollow(tokens, tokens.length - 1))
      push('regex', demand(REGEX, 'regular expression'))
    else {
      if (char === '{') braces.push('block')
      push('punctuation', char)
    }
  }
  return tokens
}

/** Whether an operand is due behind `tokens[last]`, so that a `/` there begins a regular expression. */
function regexMayFollow(tokens: readonly Token[], last: number): boolean {
  const previous = tokens[last]
  if (previous === undefined) return true
  if (previous.kind === 'word') return WORDS_BEFORE_REGEX.has(previous.text)
  if (previous.kind !== 'punctuation') return false
  // Behind an operand `!` is TypeScript's "not null" and `++` a postfix: a division follows, as after the operand alone.
  if (previous.text === '!') return regexMayFollow(tokens, last - 1)
  const doubled = '+-'.includes(previous.text) && tokens[last - 1]?.text === previous.text
  if (doubled) return regexMayFollow(tokens, last - 2)
  return !')]}'.includes(previous.text)
}
