/** How every command ends: results on stdout, errors through one door with a code. */
import { InvalidArgumentError, Option } from 'commander'

/**
 * Exit codes: the command's own failure, an input that has to be mended first, a log that allows no estimate, and a gate that has
 * refused.
 */
export const EXIT = { failed: 1, badInput: 2, noEstimate: 3, notPromoted: 4 } as const

/** Codes of a set's that no change of the input mends. */
const FAILURES: ReadonlySet<string> = new Set(['dataset_checksum', 'dataset_fetch_failed'])

export interface Output {
  readonly json?: boolean
}
export const jsonOption = () => new Option('--json', 'print JSON for scripts')

export function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Runs a command; a failure is told once, with its code, and decides the exit code. */
export function action<Flags extends Output>(
  run: (flags: Flags) => Promise<void>,
): (flags: Flags) => Promise<void> {
  return async (flags) => {
    try {
      await run(flags)
    } catch (error) {
      const code =
        error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
      const reasons = error instanceof Error && 'reasons' in error ? error.reasons : undefined
      if (flags.json) print({ error: { code: code ?? 'internal', message: messageOf(error), reasons } })
      process.stderr.write(
        `highwayman: ${code === undefined && error instanceof Error ? error.stack : messageOf(error)}\n`,
      )
      const isInput =
        (/^(dataset|eval|config|listen)_/.test(code ?? '') && !FAILURES.has(code ?? '')) ||
        /^(engine_bad_policy_file|invalid_\w+|policy_not_\w+|model_not_found)$/.test(code ?? '')
      process.exitCode =
        code === 'promotion_refused' ? EXIT.notPromoted : isInput ? EXIT.badInput : EXIT.failed
    }
  }
}

/** The same of a command with an argument, which Commander gives before the flags. */
export function withArgument<Flags extends Output>(
  run: (argument: string, flags: Flags) => Promise<void>,
): (argument: string, flags: Flags) => Promise<void> {
  return (argument, flags) => action((given: Flags) => run(argument, given))(flags)
}

/** A flag's text as a time, Unix ms. */
export function time(text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) {
    throw new InvalidArgumentError(
      'expected a day, or a time with its zone: 2026-01-31, 2026-01-31T12:00:00Z',
    )
  }
  return ms
}
