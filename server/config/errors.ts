/** What is wrong with a configuration: all of it at once, each with its place. */

export const CONFIG_ERROR_CODES = ['config_not_found', 'config_unreadable', 'config_invalid'] as const
export type ConfigErrorCode = (typeof CONFIG_ERROR_CODES)[number]

export interface ConfigProblem {
  /** 1-based. */
  readonly line: number
  /** 1-based, in UTF-16 code units. */
  readonly column: number
  /** `models.auto.policy.name`; empty for the file as a whole. */
  readonly path: string
  /** What is wrong and what would be right. Never holds the value of a secret. */
  readonly message: string
}

/** `highwayman.yaml:41:7 models.auto.policy.name: unknown policy "thomson"; did you mean "thompson"?` */
export function formatProblem(file: string, { line, column, path, message }: ConfigProblem): string {
  return `${file}:${line}:${column} ${path === '' ? '' : `${path}: `}${message}`
}

/** The message has one line per problem. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code: ConfigErrorCode
  readonly file: string
  /** In the order of the file; empty when the file could not be read. */
  readonly problems: readonly ConfigProblem[]

  constructor(
    code: ConfigErrorCode,
    file: string,
    what:
      | { readonly message: string; readonly cause?: unknown }
      | { readonly problems: readonly ConfigProblem[] },
  ) {
    const problems = 'problems' in what ? what.problems : []
    super(
      'message' in what ? what.message : problems.map((problem) => formatProblem(file, problem)).join('\n'),
      'cause' in what ? { cause: what.cause } : undefined,
    )
    this.code = code
    this.file = file
    this.problems = problems
  }
}
