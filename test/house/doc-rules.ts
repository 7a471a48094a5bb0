/** What is asked of the documents: links lead somewhere, and the commands they name are there, with their flags. */
import { posix } from 'node:path'
import type { SourceTree } from './tree.ts'

/** Flags by command, `policies draft` for one below another; a command that only holds others has none. */
export type Commands = ReadonlyMap<string, ReadonlySet<string>>

/** What documents may name: package scripts, files, commands of the program, and benchmarks. */
export interface Surroundings {
  readonly scripts: ReadonlySet<string>
  readonly benchmarks: ReadonlySet<string>
  readonly commands: Commands
}

export interface FencedBlock {
  readonly path: string
  /** Of its first line, from 1. */
  readonly line: number
  readonly language: string
  readonly text: string
}

const FENCE = /^```([a-z]*)\n(.*?)^```$/gms

export function documentsOf(tree: SourceTree): SourceTree {
  return new Map([...tree].filter(([path]) => path.endsWith('.md')))
}

export function fencedBlocks(documents: SourceTree): readonly FencedBlock[] {
  return [...documents].flatMap(([path, text]) =>
    [...text.matchAll(FENCE)].map(({ index, 1: language = '', 2: body = '' }) => ({
      path,
      line: text.slice(0, index).split('\n').length + 1,
      language,
      text: body,
    })),
  )
}

/** Relative links to files or headings that are not there. Folders count as files below them. */
export function deadLinks(tree: SourceTree): readonly string[] {
  const exists = (path: string) =>
    tree.has(path) || [...tree.keys()].some((file) => file.startsWith(`${path}/`))
  return [...documentsOf(tree)].flatMap(([path, text]) =>
    [...text.replace(FENCE, '').matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      if (/^[a-z]+:/.test(link)) return []
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? path : posix.join(posix.dirname(path), file)
      if (!exists(target)) return [`${path}: ${link} leads nowhere`]
      const isThere = anchor === undefined || anchorsOf(tree.get(target) ?? '').has(anchor)
      return isThere ? [] : [`${path}: ${link}: there is no such heading`]
    }),
  )
}

/** As GitHub makes them: lower case, spaces to hyphens, no punctuation, and a number for those that are there already. */
function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of text.replace(FENCE, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-')
    let anchor = slug
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`
    anchors.add(anchor)
  }
  return anchors
}

/** Commands in the text that nobody could run: no such command, flag, script, benchmark or file. */
export function unknownCommands(
  documents: SourceTree,
  surroundings: Surroundings,
  exists: (path: string) => boolean,
): readonly string[] {
  return [...documents].flatMap(([path, text]) =>
    commandLines(text, surroundings.commands).flatMap((line) =>
      faultsOf(line, surroundings, exists).map((fault) => `${path}: \`${line}\`: ${fault}`),
    ),
  )
}

/**
 * The commands that stand in blocks and between backticks: those that begin with `highwayman`, `npm run` or `node`, and, between
 * backticks, those of the program that leave its name out and have a flag.
 */
function commandLines(text: string, commands: Commands): readonly string[] {
  const blocks = [...text.matchAll(FENCE)].flatMap(([, , body = '']) => body.split('\n'))
  const spans = [...text.replace(FENCE, '').matchAll(/`([^`]+)`/g)].map(([, span = '']) =>
    span.replaceAll('\\|', '|').replaceAll('\n', ' '),
  )
  const short = spans.flatMap((span) => {
    const [first = ''] = span.split(' ', 1)
    return [...commands.keys()].some((name) => name.split(' ')[0] === first) && / --[a-z]/.test(span)
      ? [`highwayman ${span}`]
      : []
  })
  return [...blocks, ...spans, ...short]
    .flatMap((line) => line.split('&&'))
    .map((line) => line.trim().replace(/^\$ /, '').replace(/^npx /, ''))
    .map((line) => line.replace(/^[A-Z_]+=\S+ /, '').replace(/\s+#.*$/, ''))
    .filter((line) => /^(highwayman [a-z]+( |$)|npm run |node (--test )?[a-z]+\/)/.test(line))
}

function faultsOf(
  line: string,
  { scripts, benchmarks, commands }: Surroundings,
  exists: (path: string) => boolean,
): readonly string[] {
  const [program, ...words] = line.split(/\s+/)
  if (program === 'node') {
    const file = words.find((word) => word.endsWith('.ts')) ?? ''
    return exists(file) ? [] : [`there is no file ${file}`]
  }
  if (program === 'highwayman') return commandFaults(words, commands)
  const [, script = '', , ...rest] = words
  if (!scripts.has(script)) return [`there is no script ${script}`]
  if (script === 'highwayman') return commandFaults(rest, commands)
  if (script === 'demo') return commandFaults(['demo', ...rest], commands)
  if (script !== 'bench') return []
  return rest
    .filter((word) => /^[a-z]/.test(word) && !benchmarks.has(word))
    .map((word) => `there is no benchmark ${word}`)
}

function commandFaults(words: readonly string[], commands: Commands): readonly string[] {
  const [first = '', second = ''] = words
  const name = commands.has(`${first} ${second}`) ? `${first} ${second}` : first
  const flags = commands.get(name)
  if (flags === undefined) return [`there is no command ${name}`]
  return words
    .map((word) => /^[[(]?(--[a-z][a-z-]*)/.exec(word)?.[1])
    .filter((flag) => flag !== undefined && flag !== '--help' && !flags.has(flag))
    .map((flag) => `${name} has no flag ${flag}`)
}
