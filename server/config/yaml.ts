/** YAML text → plain values, with the place of every key and value, and with `${VARIABLES}` filled in. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from 'yaml'
import type { ConfigProblem } from './errors.ts'
import { type Environment, interpolate } from './interpolate.ts'

export type Path = readonly (string | number)[]
export type Part = 'key' | 'value'

/** `arms.openai/gpt-5.price`, `models.auto.arms[2]`. */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? part : `${text}.${part}`
  }, '')
}

interface Place {
  readonly key: number
  readonly value: number
  /** A variable took part in the value. */
  readonly substituted: boolean
}

/** Aliases in a file; more is an attempt to blow it up. */
const MAX_ALIASES = 100
/** After these the parser's messages quote the source, which may hold a secret, or speak of its own API. */
const QUOTED_SOURCE = /(: |;|\n).*$/s

/** Shorter values are numbers and switches; hiding them would hide the words around them. */
const LEAST_SECRET_LENGTH = 4

const QUOTE_HINT = `; inside [ ] and { } quote a variable: "\${NAME}"`

export class ConfigDocument {
  /** Maps are objects without a prototype. `undefined` for an empty file. */
  readonly value: unknown
  readonly problems: ConfigProblem[] = []
  readonly #lines = new LineCounter()
  readonly #places = new Map<string, Place>()
  readonly #faults: Path[] = []
  #settledFaults: readonly Path[] = []
  /** What variables made of a value → how the file writes it. */
  readonly #written = new Map<string, string>()
  readonly #env: Environment
  readonly #document: Document.Parsed
  #aliases = 0

  constructor(text: string, env: Environment) {
    this.#env = env
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: false,
    })
    const syntax = [...this.#document.errors, ...this.#document.warnings]
    for (const { pos, message } of syntax) {
      const { line, col: column } = this.#lines.linePos(pos[0])
      const hint = text.split('\n')[line - 1]?.includes(`\${`) ? QUOTE_HINT : ''
      this.problems.push({
        line,
        column,
        path: '',
        message: `not YAML: ${message.replace(QUOTED_SOURCE, '')}${hint}`,
      })
    }
    if (syntax.length === 0) this.value = this.#convert(this.#document.contents, [], new Set())
    this.settle()
  }

  /** Adds a problem at `path`, or at the innermost part of it that the file has. */
  report(path: Path, part: Part, message: string): void {
    if (this.#settledFaults.some((fault) => path.every((part, index) => fault[index] === part))) return
    this.#faults.push(path)
    this.problems.push({
      ...this.#locate(path, part),
      path: pathText(path),
      message: this.#asWritten(message),
    })
  }

  /**
   * Ends a stage of checking. From here on, what is reported of a value or of what contains it counts as a consequence of
   * a problem already known in it, and is dropped: a provider whose address is malformed does not lack one as well.
   */
  settle(): void {
    this.#settledFaults = [...this.#faults]
  }

  /** What came out of a variable may be a secret wherever it was put: a message shows the variable instead. */
  #asWritten(message: string): string {
    let text = message
    for (const [value, written] of this.#written) {
      if (value.length >= LEAST_SECRET_LENGTH) text = text.replaceAll(value, () => written)
    }
    return text
  }

  /** Whether a variable took part in the value at `path`. */
  isSubstituted(path: Path): boolean {
    return this.#places.get(JSON.stringify(path))?.substituted ?? false
  }

  has(path: Path): boolean {
    return this.#places.has(JSON.stringify(path))
  }

  #locate(path: Path, part: Part): { line: number; column: number } {
    for (let length = path.length; length > 0; length--) {
      const place = this.#places.get(JSON.stringify(path.slice(0, length)))
      if (place === undefined) continue
      const { line, col } = this.#lines.linePos(length === path.length ? place[part] : place.key)
      return { line, column: col }
    }
    return { line: 1, column: 1 }
  }

  /** `open` are the nodes that `node` lies in. */
  #convert(node: unknown, path: Path, open: ReadonlySet<unknown>): unknown {
    if (isAlias(node)) {
      const target = node.resolve(this.#document)
      this.#aliases++
      if (target === undefined || open.has(target) || this.#aliases > MAX_ALIASES) {
        this.report(
          path,
          'value',
          `alias *${node.source} ${open.has(target) ? 'contains itself' : 'cannot be followed'}`,
        )
        return undefined
      }
      return this.#convert(target, path, open)
    }
    const within = new Set(open).add(node)
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        this.#note([...path, index], item, item)
        return this.#convert(item, [...path, index], within)
      })
    }
    if (isMap(node)) {
      const map: Record<string, unknown> = Object.create(null)
      for (const pair of node.items) this.#convertPair(pair, map, path, within)
      return map
    }
    return isScalar(node) ? this.#scalar(node.value, path) : undefined
  }

  #convertPair(pair: Pair, map: Record<string, unknown>, path: Path, open: ReadonlySet<unknown>): void {
    if (!isScalar(pair.key)) {
      this.report(path, 'value', 'a key must be plain text')
      return
    }
    const key = String(pair.key.value)
    const inner = [...path, key]
    // Plain objects would take the second for their prototype and forget it.
    if (Object.hasOwn(map, key) || key === '__proto__') {
      const { line, col: column } = this.#lines.linePos(pair.key.range?.[0] ?? 0)
      const message = key === '__proto__' ? `"${key}" cannot be a name` : `duplicate key "${key}"`
      this.problems.push({ line, column, path: pathText(inner), message })
      return
    }
    this.#note(inner, pair.key, pair.value)
    map[key] = this.#convert(pair.value, inner, open)
  }

  #scalar(value: unknown, path: Path): unknown {
    if (typeof value !== 'string') return value
    const { text, substituted, problems } = interpolate(value, this.#env)
    for (const message of problems) this.report(path, 'value', message)
    if (substituted) this.#written.set(text, value)
    const place = this.#places.get(JSON.stringify(path))
    if (substituted && place !== undefined) this.#places.set(JSON.stringify(path), { ...place, substituted })
    return text
  }

  #note(path: Path, keyNode: unknown, valueNode: unknown): void {
    const key = (keyNode as Node | null)?.range?.[0] ?? 0
    const value = (valueNode as Node | null)?.range?.[0] ?? key
    this.#places.set(JSON.stringify(path), { key, value, substituted: false })
  }
}
