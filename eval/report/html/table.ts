/** Tables of a report. */
import { type Insert, type Markup, markup } from './markup.ts'

export interface TableColumn {
  readonly title: Insert
  /** Right-aligned and not broken. */
  readonly numeric?: boolean
}

export interface TableRow {
  /** One for each column; the first is the head of its row. */
  readonly cells: readonly Insert[]
  /** What the table is about, set apart from what it is compared with. */
  readonly main?: boolean
}

/** A table that scrolls by itself where it is too wide, by keyboard too. */
export function renderTable(
  caption: string,
  columns: readonly TableColumn[],
  rows: readonly TableRow[],
): Markup {
  const head = columns.map(
    ({ title, numeric }) => markup`<th scope="col"${numericClass(numeric)}>${title}</th>`,
  )
  const body = rows.map(({ cells, main }) => {
    const tds = cells.map((cell, i) =>
      i === 0
        ? markup`<th scope="row">${cell}</th>`
        : markup`<td${numericClass(columns[i]?.numeric)}>${cell}</td>`,
    )
    return markup`<tr${main && markup` class="main"`}>${tds}</tr>\n`
  })
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}</tbody>
</table></div>
`
}

function numericClass(numeric: boolean | undefined): Insert {
  return numeric && markup` class="n"`
}
