/** The engine takes time, randomness and ids as arguments; nothing in it may reach for its own. */
import type { Token } from '../helpers/tokens.ts'
import type { Module } from './tree.ts'

const WHY: ReadonlyMap<string, string> = new Map([
  ...entries('a clock', ['Date', 'performance', 'Temporal']),
  ...entries('a timer', ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']),
  ...entries('the process or its environment', ['process', 'globalThis', 'require', 'navigator']),
  ...entries('the network', ['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest']),
  ...entries('a log', ['console']),
])

/** Members of `node:crypto`, which the engine may import; reported as `crypto.…` too. */
const RANDOM_MEMBERS = new Set(
  'getRandomValues randomBytes randomFill randomFillSync randomInt randomUUID randomUUIDv7 webcrypto'.split(
    ' ',
  ),
)

/** Uses of a clock, timer, network, log, environment or unseeded randomness in `engine/`. */
export function engineImpurities(modules: readonly Module[]): readonly string[] {
  return modules
    .filter(({ folder }) => folder === 'engine')
    .flatMap(({ path, tokens }) =>
      tokens.flatMap((token, index) => {
        const why = impurityAt(tokens, index)
        return why === undefined ? [] : [`${path}:${token.line}: ${token.text} is ${why}`]
      }),
    )
}

function impurityAt(tokens: readonly Token[], index: number): string | undefined {
  const token = tokens[index]!
  if (token.kind !== 'word') return undefined
  if (RANDOM_MEMBERS.has(token.text)) return 'unseeded randomness'
  if (isName(tokens, index)) return undefined
  const next = [tokens[index + 1]?.text, tokens[index + 2]?.text]
  if (token.text === 'Math' && (next[0] !== '.' || next[1] === 'random')) return 'unseeded randomness'
  if (token.text === 'import' && next[0] === '.') return 'the place of a file'
  return WHY.get(token.text)
}

/** A property (`.process`), a key (`{ process: … }`) or a declared member is only called so. */
function isName(tokens: readonly Token[], index: number): boolean {
  const [before, after] = [tokens[index - 1]?.text, tokens[index + 1]?.text]
  if (before === '.' && tokens[index - 2]?.text !== '.') return true
  return after === ':' && ['{', ',', ';', 'readonly'].includes(before ?? '')
}

function entries(why: string, names: readonly string[]): readonly (readonly [string, string])[] {
  return names.map((name) => [name, why] as const)
}
