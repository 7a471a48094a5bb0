/** Function arguments that arrive field by field (`partialArgs`), put together into the object they describe. */
import { asNumber, asRecord, asRecords, asString, type Wire } from '../wire.ts'

/** A call whose arguments are not all there yet. */
export class PartialCall {
  readonly name: string
  readonly fields: Wire
  readonly #args: Record<string, unknown>

  /** @param fields the part that opened the call: name, id, signature. */
  constructor(name: string, part: Wire) {
    this.name = name
    this.fields = part
    this.#args = { ...asRecord(asRecord(part['functionCall'])?.['args']) }
  }

  /** Applies `[{jsonPath: '$.a.b[0]', stringValue | numberValue | boolValue | nullValue}]`. Strings arrive in pieces. */
  add(partialArgs: unknown): void {
    for (const arg of asRecords(partialArgs)) {
      const path = parsePath(asString(arg['jsonPath']) ?? '')
      if (path.length > 0) assign(this.#args, path, arg)
    }
  }

  get args(): Wire {
    return this.#args
  }
}

/**
 * `$.user['first name'].tags[0]` → `['user', 'first name', 'tags', 0]`. An index has four digits at most: a larger one would
 * make a list of that length.
 */
function parsePath(jsonPath: string): readonly (string | number)[] {
  return Array.from(
    jsonPath.matchAll(/\.([^.[\]]+)|\[(\d{1,4})\]|\['([^']*)'\]/g),
    ([, name, index, quoted]) => (index === undefined ? (name ?? quoted ?? '') : Number(index)),
  )
}

type Holder = Record<string | number, unknown>

function assign(root: Holder, path: readonly (string | number)[], arg: Wire): void {
  let holder = root
  for (const [depth, key] of path.slice(0, -1).entries()) {
    const before = own(holder, key)
    const isHolder = typeof before === 'object' && before !== null
    const next = isHolder ? before : typeof path[depth + 1] === 'number' ? [] : {}
    define(holder, key, next)
    holder = next as Holder
  }
  const last = path.at(-1) ?? ''
  define(holder, last, pieceOf(arg, own(holder, last)))
}

/** A path may say `__proto__`: only what the object has itself is read, and nothing is set by assignment. */
function own(holder: Holder, key: string | number): unknown {
  return Object.hasOwn(holder, key) ? holder[key] : undefined
}

function define(holder: Holder, key: string | number, value: unknown): void {
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true })
}

function pieceOf(arg: Wire, before: unknown): unknown {
  const piece = asString(arg['stringValue'])
  if (piece !== undefined) return (asString(before) ?? '') + piece
  return asNumber(arg['numberValue']) ?? arg['boolValue'] ?? null
}
