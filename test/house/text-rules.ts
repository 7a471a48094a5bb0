/** What is asked of files as text: how long they may grow, and which words have no business here. */
import type { SourceTree } from './tree.ts'

export const MAX_LINES = 450

/** TypeScript files over {@link MAX_LINES} that `reasons` does not name, and reasons that no long file needs any more. */
export function longFiles(tree: SourceTree, reasons: ReadonlyMap<string, string>): readonly string[] {
  const long = [...tree]
    .filter(([path]) => path.endsWith('.ts'))
    .map(([path, text]) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES)
  return [
    ...long
      .filter(({ path }) => !reasons.has(path))
      .map(
        ({ path, lines }) => `${path}: ${lines} lines, more than ${MAX_LINES}: split it or give the reason`,
      ),
    ...[...reasons.keys()]
      .filter((path) => !long.some((file) => file.path === path))
      .map((path) => `${path}: is not over ${MAX_LINES} lines; take its reason out`),
  ]
}

interface Ban {
  readonly why: string
  readonly pattern: RegExp
}

/** The words are put together from parts at each `~`, so that the rule does not find itself. */
const BANS: readonly Ban[] = [
  {
    why: 'a path of one machine',
    pattern: anyOf('(?<![\\w.~-])/', ['wo~rk', 'ro~ot', 'ho~me/\\w+', 'Us~ers/\\w+'], '/'),
  },
  {
    why: 'the host of a package registry',
    pattern: anyOf('\\b', ['registry\\.npm~\\w+', 'registry\\.yarn~\\w+', 'npm~mirror'], '\\.'),
  },
  { why: 'unfinished work', pattern: anyOf('\\b', ['TO~DO', 'FIX~ME', 'XX~X'], '\\b') },
  {
    why: 'a check switched off',
    pattern: anyOf('', ['@ts-~ignore', '@ts-~nocheck', 'biome-~ignore'], '\\b'),
  },
  { why: 'a trailer of a commit message', pattern: anyOf('\\b', ['Co-~[Aa]uthored-[Bb]y'], ':') },
]

/** Lines that hold a banned word, by file and line. */
export function bannedWords(tree: SourceTree): readonly string[] {
  return [...tree].flatMap(([path, text]) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        BANS.filter(({ pattern }) => pattern.test(line)).map(({ why }) => `${path}:${index + 1}: ${why}`),
      ),
  )
}

/** Tests that draw the cases of a property anew in each run: more properties than seeds. */
export function unseededProperties(tree: SourceTree): readonly string[] {
  const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0
  return [...tree]
    .filter(
      ([path, text]) => path.endsWith('.ts') && count(text, /\bfc\.assert\(/g) > count(text, /\bseed: ?\d/g),
    )
    .map(([path]) => `${path}: a property has no seed`)
}

function anyOf(before: string, words: readonly string[], after: string): RegExp {
  const alternatives = words.map((word) => word.replace('~', '')).join('|')
  return new RegExp(`${before}(?:${alternatives})${after}`)
}
