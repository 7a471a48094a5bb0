/** Pictures, sounds and files inside messages. */
import type { ContentPart } from './spec.ts'
import { asString } from './wire.ts'

export interface InlineData {
  readonly mimeType: string
  /** Base64. */
  readonly data: string
}

/** Reads `data:<type>;base64,<data>`; undefined for any other URL. */
export function parseDataUrl(url: string): InlineData | undefined {
  const head = /^data:([^;,]+)(?:;[^;,]+)*;base64,/.exec(url)
  const mimeType = head?.[1]
  return head === null || mimeType === undefined ? undefined : { mimeType, data: url.slice(head[0].length) }
}

/** The content of a `file` part, when it was sent along; a bare base64 string is taken for a PDF. */
export function fileData(part: Extract<ContentPart, { type: 'file' }>): InlineData | undefined {
  const data = asString(part.file['file_data'])
  if (data === undefined) return undefined
  return parseDataUrl(data) ?? { mimeType: 'application/pdf', data }
}
