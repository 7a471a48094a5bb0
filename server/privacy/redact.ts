/**
 * What must not be kept, out of texts that are. Patterns of ours run on the language's own engine: none has two ways to read
 * one text, so that no text makes them slow. Patterns of the user's run on RE2, whose time is linear in the text whatever the
 * pattern says; it has no look-around and no back-references.
 *
 * @see https://github.com/google/re2/wiki/Syntax
 */
import { RE2JS, RE2JSException } from 're2js'

export interface Redacted {
  readonly text: string
  /** Places that were replaced. */
  readonly count: number
}

export interface CustomPattern {
  readonly name: string
  /** RE2's syntax. */
  readonly regex: string
}

/** What a name finds, and what has to hold for a find to count. */
interface BuiltIn {
  readonly pattern: RegExp
  readonly holds?: (found: string) => boolean
}

const BUILT_INS = {
  email: { pattern: /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g },
  /** Cards have 12 to 19 digits whose check digit is right. */
  card: { pattern: /(?<![\d-])\d(?:[ -]?\d){11,18}(?![\d-])/g, holds: isCardNumber },
  iban: { pattern: /\b[A-Z]{2}\d{2}(?: ?[A-Z\d]{1,4}){3,8}\b/g, holds: isIban },
  phone: {
    pattern: /(?<![\w.+-])(?:\+|00|\(?0)\d{1,3}\)?(?:[ ./-]?\(?\d{1,5}\)?){2,6}(?![\w-])/g,
    holds: hasPhoneDigits,
  },
  ip: {
    pattern:
      /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?<![\w:])(?:[\da-fA-F]{1,4}:){7}[\da-fA-F]{1,4}(?![\w:])/g,
  },
  /** Keys of providers, clouds and code hosts, tokens, and private keys. */
  secret: {
    pattern:
      /\b(?:sk|pk|rk)[-_][\w-]{16,200}|\bAKIA[A-Z\d]{16}\b|\bAIza[\w-]{35}|\bgh[pousr]_\w{30,255}|\bxox[abprs]-[\w-]{10,200}|\beyJ[\w-]{10,2000}\.[\w-]{10,4000}\.[\w-]{10,2000}|-----BEGIN [A-Z ]{1,40}PRIVATE KEY-----[\w\s+/=]{1,10000}(?:-----END [A-Z ]{1,40}PRIVATE KEY-----)?/g,
  },
} as const satisfies Record<string, BuiltIn>

export const REDACTIONS = Object.keys(BUILT_INS) as (keyof typeof BUILT_INS)[]
export type Redaction = keyof typeof BUILT_INS

export type Redactor = (text: string) => Redacted

/** What is wrong with a pattern, in a few words; undefined: nothing. */
export function problemOf(regex: string): string | undefined {
  try {
    if (RE2JS.compile(regex).matches('')) return 'matches a text without characters'
    return undefined
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    return error.message
  }
}

/**
 * Replaces what is found by `[name]`: secrets and the user's patterns before what is named by its shape only.
 * @param custom each without a {@link problemOf}
 */
export function createRedactor(names: readonly Redaction[], custom: readonly CustomPattern[]): Redactor {
  const wanted = REDACTIONS.toReversed().filter((name) => names.includes(name))
  const compiled = custom.map(({ name, regex }) => ({ name, pattern: RE2JS.compile(regex) }))
  return (original) => {
    let count = 0
    let text = original
    for (const { name, pattern } of compiled) {
      const found = replaceAll(text, pattern, `[${name}]`)
      text = found.text
      count += found.count
    }
    for (const name of wanted) {
      const { pattern, holds }: BuiltIn = BUILT_INS[name]
      text = text.replace(pattern, (found) => {
        if (holds !== undefined && !holds(found)) return found
        count += 1
        return `[${name}]`
      })
    }
    return { text, count }
  }
}

function replaceAll(text: string, pattern: RE2JS, by: string): Redacted {
  const matcher = pattern.matcher(text)
  const parts: string[] = []
  let from = 0
  let count = 0
  while (matcher.find()) {
    if (matcher.end() === matcher.start()) continue
    parts.push(text.slice(from, matcher.start()), by)
    from = matcher.end()
    count += 1
  }
  return { text: parts.join('') + text.slice(from), count }
}

/** Luhn's check digit. */
function isCardNumber(found: string): boolean {
  const digits = found.replaceAll(/\D/g, '')
  let sum = 0
  for (let i = 0; i < digits.length; i += 1) {
    const digit = Number(digits[digits.length - 1 - i])
    const doubled = i % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

/** ISO 13616: the number that the letters and digits make is 1 modulo 97. */
function isIban(found: string): boolean {
  const letters = found.replaceAll(' ', '')
  if (letters.length < 15 || letters.length > 34) return false
  let rest = 0
  for (const char of letters.slice(4) + letters.slice(0, 4)) {
    for (const digit of String(Number.parseInt(char, 36))) rest = (rest * 10 + Number(digit)) % 97
  }
  return rest === 1
}

function hasPhoneDigits(found: string): boolean {
  const digits = found.replaceAll(/\D/g, '').length
  return digits >= 8 && digits <= 15
}
