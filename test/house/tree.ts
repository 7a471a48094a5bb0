/** The repository as the house rules see it: text by path, and the modules among them with their imports resolved. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix, resolve } from 'node:path'
import { type ImportEdge, importsOf } from '../helpers/imports.ts'
import { type Token, tokenize } from '../helpers/tokens.ts'

export const repositoryRoot = resolve(import.meta.dirname, '..', '..')

/** Text of every file by its path from the root, with `/` between folders. */
export type SourceTree = ReadonlyMap<string, string>

export interface ModuleImport extends ImportEdge {
  /** The module's path for a relative import, whether or not it exists; undefined for a package. */
  readonly target: string | undefined
}

export interface Module {
  readonly path: string
  /** First folder of the path; the path itself for a file at the root. */
  readonly folder: string
  readonly tokens: readonly Token[]
  readonly imports: readonly ModuleImport[]
}

/** All text files below `root`, but for what `.gitignore` leaves out as a folder. Files with a NUL byte are not text. */
export function readTree(root: string): SourceTree {
  const ignored = new Set(['.git', ...ignoredFolders(readFileSync(join(root, '.gitignore'), 'utf8'))])
  const files = new Map<string, string>()
  const visit = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name)
      if (entry.isDirectory() && !ignored.has(entry.name)) visit(path)
      else if (entry.isFile()) {
        const text = readFileSync(join(root, path), 'utf8')
        if (!text.includes('\0')) files.set(path, text)
      }
    }
  }
  visit('')
  return files
}

/** Every `.ts` file of the tree. @throws {SyntaxError} naming the file that cannot be read. */
export function modulesOf(tree: SourceTree): readonly Module[] {
  return [...tree]
    .filter(([path]) => path.endsWith('.ts'))
    .map(([path, text]) => moduleOf(path, text))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
}

function moduleOf(path: string, text: string): Module {
  const tokens = attempt(path, () => tokenize(text))
  const imports = importsOf(tokens).map((edge) => ({ ...edge, target: targetOf(path, edge.specifier) }))
  return { path, folder: path.split('/', 1)[0]!, tokens, imports }
}

function targetOf(path: string, specifier: string | undefined): string | undefined {
  return specifier?.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined
}

function ignoredFolders(gitignore: string): readonly string[] {
  return gitignore
    .split('\n')
    .filter((line) => line.endsWith('/'))
    .map((line) => line.slice(0, -1))
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new SyntaxError(`${path}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}
