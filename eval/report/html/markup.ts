/** HTML as values: what is put into a template is escaped unless it is markup itself, so that no report can forget to. */

/** Finished markup. Only {@link markup} makes it. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** What a template takes: lists are joined, `undefined` and `false` are nothing, all else is text. */
export type Insert = Markup | string | number | false | undefined | readonly Insert[]

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** A tagged template of HTML or SVG: markup`<td>${text}</td>`. Attribute values have to stand in quotes. */
export function markup(parts: TemplateStringsArray, ...inserts: readonly Insert[]): Markup {
  return new Markup(parts.reduce((text, part, i) => text + toText(inserts[i - 1]) + part))
}

function toText(insert: Insert): string {
  if (insert instanceof Markup) return insert.text
  if (insert === undefined || insert === false) return ''
  if (typeof insert === 'object') return insert.map(toText).join('')
  return String(insert).replaceAll(/[&<>"']/g, (sign) => ESCAPES[sign]!)
}
