/** The licence that a README states for its data. */

const NAME =
  '(?:Apache-2\\.0|MIT|BSD-[23]-Clause|CC0(?:[ -]1\\.0)?|CC[ -]BY(?:-(?:NC|SA|ND))*[ -]\\d\\.\\d|none stated)'
/** What is said of the data goes before what is said of code. */
const PATTERNS = [
  new RegExp(`\\bdata(?: licen[cs]e)?[:* ]*\\s*(${NAME})`, 'i'),
  new RegExp(`\\blicen[cs]e[^.\\n]*?(${NAME})`, 'i'),
  new RegExp(`(${NAME})`),
]

/** Undefined: it states none that is known here, which says nothing about whether it may be used. */
export function licenceIn(readme: string): string | undefined {
  for (const pattern of PATTERNS) {
    const name = pattern.exec(readme)?.[1]
    if (name !== undefined)
      return name.toLowerCase() === 'none stated' ? 'none stated' : name.replace('CC-BY', 'CC BY')
  }
  return undefined
}
