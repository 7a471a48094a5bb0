/** What the builders of the registry share: where problems go, and which names the configuration declares. */
import type { Environment } from '../interpolate.ts'
import type { Part, Path } from '../yaml.ts'

/** Takes note of problems; the caller decides what becomes of them. */
export interface Reporter {
  report(path: Path, part: Part, message: string): void
  /** Whether the configuration itself has something at `path`. */
  has(path: Path): boolean
  /** Whether the value came from an environment variable. */
  isSubstituted(path: Path): boolean
}

/** Names as the file has them, also of entries that are wrong in themselves: a reference to one is not wrong as well. */
export interface DeclaredNames {
  readonly providers: ReadonlySet<string>
  readonly arms: ReadonlySet<string>
  readonly models: ReadonlySet<string>
  readonly aliases: ReadonlySet<string>
  readonly policies: ReadonlySet<string>
  readonly armsByTag: ReadonlyMap<string, readonly string[]>
}

export interface Scope {
  readonly reporter: Reporter
  readonly names: DeclaredNames
  readonly env: Environment
}

/** The same object without its undefined fields, as optional fields of the contracts want it. */
export function compact<T extends object>(value: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const entries = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.fromEntries(entries) as { [Key in keyof T]: Exclude<T[Key], undefined> }
}
