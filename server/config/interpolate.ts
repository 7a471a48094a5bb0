import { ownValue } from '../../engine/index.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** `${NAME}`, `${NAME:-default}`, and `$${` for a literal `${`. */
const REFERENCE = /\$(\$?)\{([^}]*)(\}?)/g
const NAME = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s

export interface Interpolation {
  readonly text: string
  /** A variable or its default took part: the text may be a secret. */
  readonly substituted: boolean
  readonly problems: readonly string[]
}

/** Fills in environment variables, once: what a variable holds is not looked at again. An empty variable counts as unset. */
export function interpolate(source: string, env: Environment): Interpolation {
  const problems: string[] = []
  let substituted = false
  const text = source.replace(REFERENCE, (whole, escaped: string, inner: string, closing: string) => {
    if (escaped !== '') return whole.slice(1)
    const [, name, fallback] = closing === '' ? [] : (NAME.exec(inner) ?? [])
    if (name === undefined) {
      problems.push(
        `"\${" begins a variable, written \${NAME} or \${NAME:-default}; for the characters themselves write $\${`,
      )
      return whole
    }
    substituted = true
    const value = ownValue(env, name) || fallback
    if (value === undefined) {
      problems.push(
        `environment variable ${name} is not set; set it, or give a default: \${${name}:-default}`,
      )
    }
    return value ?? ''
  })
  return { text, substituted, problems }
}
