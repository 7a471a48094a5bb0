/** Rows as they will be sent: lines of UTF-8 in one growing buffer, so that a waiting row is bytes, not objects. */

const FIRST_CAPACITY_BYTES = 16 * 1024
const UTF8_BYTES_PER_UNIT_MAX = 3
const NEWLINE = 10

export interface RowBuffer {
  readonly bytes: number
  /** `line` has no line break. */
  append(line: string): void
  /** All lines since the last call; the buffer is empty after it, and never touches them again. */
  take(): Uint8Array
}

export function createRowBuffer(): RowBuffer {
  let buffer = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES)
  let length = 0
  const reserve = (bytes: number): void => {
    if (length + bytes <= buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + bytes))
    buffer.copy(grown, 0, 0, length)
    buffer = grown
  }
  return {
    get bytes() {
      return length
    },
    append: (line) => {
      reserve(line.length * UTF8_BYTES_PER_UNIT_MAX + 1)
      length += buffer.write(line, length)
      buffer[length] = NEWLINE
      length += 1
    },
    take: () => {
      const taken = buffer.subarray(0, length)
      buffer = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES)
      length = 0
      return taken
    },
  }
}
