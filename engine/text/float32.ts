/** Arrays of numbers as text: little-endian IEEE 754 single precision in base64, on every machine the same. */

export function toBase64(values: Float32Array): string {
  const bytes = Buffer.alloc(values.length * 4)
  for (let i = 0; i < values.length; i++) bytes.writeFloatLE(values[i]!, i * 4)
  return bytes.toString('base64')
}

/** @returns undefined unless `text` is base64 of exactly `length` finite numbers */
export function fromBase64(text: unknown, length: number): Float32Array | undefined {
  if (typeof text !== 'string') return undefined
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length !== length * 4 || bytes.toString('base64') !== text) return undefined
  const values = new Float32Array(length)
  for (let i = 0; i < length; i++) values[i] = bytes.readFloatLE(i * 4)
  return values.every(Number.isFinite) ? values : undefined
}
