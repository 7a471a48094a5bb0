/** Keys that stand twice in a JSON object: parsers take the last, or the first, and say nothing. */
const [QUOTE, BACKSLASH, OPEN_MAP, CLOSE_MAP, OPEN_LIST, CLOSE_LIST, COMMA] = [34, 92, 123, 125, 91, 93, 44]

/**
 * A key that the outermost object has more than once; undefined: none.
 *
 * @param text of `json`, an object
 */
export function repeatedKey(text: string, json: object): string | undefined {
  // What stands in the text once is quickly seen; what stands there again may be a value, or further inside.
  const suspects = Object.keys(json).some((key) => {
    const quoted = JSON.stringify(key)
    const first = text.indexOf(quoted)
    return first === -1 || text.indexOf(quoted, first + 1) !== -1
  })
  return suspects ? repeatedAmong(text) : undefined
}

function repeatedAmong(text: string): string | undefined {
  const seen = new Set<string>()
  let depth = 0
  let isKeyNext = false
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === QUOTE) {
      const end = endOfString(text, i)
      if (isKeyNext && depth === 1) {
        const key = JSON.parse(text.slice(i, end + 1)) as string
        if (seen.has(key)) return key
        seen.add(key)
        isKeyNext = false
      }
      i = end
    } else if (unit === OPEN_MAP || unit === OPEN_LIST) {
      depth += 1
      isKeyNext = depth === 1
    } else if (unit === CLOSE_MAP || unit === CLOSE_LIST) depth -= 1
    else if (unit === COMMA) isKeyNext = depth === 1
  }
  return undefined
}

/** Of valid JSON: the index of the quote that closes the string. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
  return at
}
