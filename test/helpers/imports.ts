/** Which modules a TypeScript source names, and how. Reads tokens, not text: see tokens.ts. */
import { type Token, tokenize } from './tokens.ts'

export interface ImportEdge {
  /** As written; undefined for an `import(…)` whose argument is not a plain string. */
  readonly specifier: string | undefined
  /**
   * `import`: any static form, `export … from` included; `dynamic`: `import('…')`; `url`: `new URL('…', import.meta.url)`,
   * the way a worker's file is named.
   */
  readonly kind: 'import' | 'dynamic' | 'url'
  /**
   * Whether erasing types erases the import: `import type …`, `export type … from`. Not so `import { type A } from`,
   * which still loads its module.
   */
  readonly typeOnly: boolean
  readonly line: number
}

/** Every import of one source text, in order. @throws {SyntaxError} where the source cannot be read. */
export function parseImports(source: string): readonly ImportEdge[] {
  return importsOf(tokenize(source))
}

export function importsOf(tokens: readonly Token[]): readonly ImportEdge[] {
  const edges: ImportEdge[] = []
  tokens.forEach((token, index) => {
    if (token.kind !== 'word' || is(tokens[index - 1], '.')) return
    const edge =
      token.text === 'import'
        ? (callEdge(tokens, index) ?? staticEdge(tokens, index))
        : token.text === 'export'
          ? reexportEdge(tokens, index)
          : token.text === 'URL'
            ? urlEdge(tokens, index)
            : undefined
    if (edge !== undefined) edges.push(edge)
  })
  return edges
}

/** `import('…')`; in a type, `typeof import('…')` and `import('…').Name` are counted as loading the module too. */
function callEdge(tokens: readonly Token[], index: number): ImportEdge | undefined {
  const argument = tokens[index + 2]
  if (!is(tokens[index + 1], '(') || is(argument, ')')) return undefined
  const plain = argument?.kind === 'string' && [')', ','].some((end) => is(tokens[index + 3], end))
  return edgeAt(tokens[index]!, plain ? argument.text : undefined, 'dynamic', false)
}

/** `import 'a'`, `import a, { b } from 'a'`, `import * as a from 'a'`, `import type …`. */
function staticEdge(tokens: readonly Token[], index: number): ImportEdge | undefined {
  const next = tokens[index + 1]
  if (next?.kind === 'string') return edgeAt(tokens[index]!, next.text, 'import', false)
  if (next?.kind !== 'word' && !is(next, '{') && !is(next, '*')) return undefined
  return fromEdge(tokens, index)
}

/** `export * from 'a'`, `export { b } from 'a'` and their `export type` forms; undefined for every other export. */
function reexportEdge(tokens: readonly Token[], index: number): ImportEdge | undefined {
  const first = tokens[index + (isWord(tokens[index + 1], 'type') ? 2 : 1)]
  if (is(first, '*')) return fromEdge(tokens, index)
  if (!is(first, '{')) return undefined
  const close = tokens.findIndex((token, i) => i > index && is(token, '}'))
  return isWord(tokens[close + 1], 'from') ? fromEdge(tokens, index) : undefined
}

/** The statement that starts at `index` and names its module behind the next `from`. */
function fromEdge(tokens: readonly Token[], index: number): ImportEdge | undefined {
  const from = tokens.findIndex((t, i) => i > index && isWord(t, 'from') && tokens[i + 1]?.kind === 'string')
  if (from === -1) return undefined
  return edgeAt(tokens[index]!, tokens[from + 1]!.text, 'import', marksTypes(tokens, index, from))
}

/** Tells `import type { A }` and `import type A` from `import type, { A }` and a default import that is called `type`. */
function marksTypes(tokens: readonly Token[], index: number, from: number): boolean {
  return isWord(tokens[index + 1], 'type') && index + 2 !== from && !is(tokens[index + 2], ',')
}

function urlEdge(tokens: readonly Token[], index: number): ImportEdge | undefined {
  const argument = tokens[index + 2]
  const based = isWord(tokens[index + 4], 'import') && isWord(tokens[index + 6], 'meta')
  if (!is(tokens[index + 1], '(') || argument?.kind !== 'string' || !based) return undefined
  return edgeAt(tokens[index]!, argument.text, 'url', false)
}

function edgeAt(
  token: Token,
  specifier: string | undefined,
  kind: ImportEdge['kind'],
  typeOnly: boolean,
): ImportEdge {
  return { specifier, kind, typeOnly, line: token.line }
}

function is(token: Token | undefined, punctuation: string): boolean {
  return token?.kind === 'punctuation' && token.text === punctuation
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.text === word
}
