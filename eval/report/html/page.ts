/** The shell of a report: one HTML file that needs nothing else, on screen, on paper and read aloud. */
import { type Insert, Markup, markup } from './markup.ts'
import { STYLE_SHEET } from './style.ts'

export interface ReportSection {
  /** Letters, digits and hyphens; unique in the page: the address of the section. */
  readonly id: string
  readonly title: string
  readonly body: Insert
}

export interface ReportPage {
  readonly title: string
  /** A sentence or two on what was judged, on what. */
  readonly lead: Insert
  /** What comes before the table of contents: the verdict. */
  readonly banner?: Insert
  readonly sections: readonly ReportSection[]
  /** How the numbers came about, and the command that gives them again. */
  readonly foot?: Insert
}

/** No script, and a policy that forbids every request: a report can be mailed, archived and opened offline. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'"

/** @returns the whole document, ends with a newline */
export function renderPage({ title, lead, banner, sections, foot }: ReportPage): string {
  const contents = sections.map(({ id, title: name }) => markup`<li><a href="#${id}">${name}</a></li>`)
  const bodies = sections.map(
    ({ id, title: name, body }) => markup`<section aria-labelledby="${id}">
<h2 id="${id}">${name}</h2>
${body}
</section>
`,
  )
  return `<!doctype html>
${
  markup`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${title}</title>
<style>${new Markup(STYLE_SHEET)}</style>
</head>
<body>
<main>
<header>
<h1>${title}</h1>
<p class="lead">${lead}</p>
</header>
${banner}
<nav aria-label="Contents"><ul>${contents}</ul></nav>
${bodies}
${foot !== undefined && markup`<footer>${foot}</footer>`}
</main>
</body>
</html>`.text
}
`
}

/** Terms and what they are: the facts at the head of a report. */
export function renderFacts(facts: readonly (readonly [term: string, what: Insert])[]): Markup {
  return markup`<dl>${facts.map(([term, what]) => markup`<dt>${term}</dt><dd>${what}</dd>`)}</dl>`
}
