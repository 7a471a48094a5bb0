/**
 * The one style sheet of all reports. Light and dark follow the reader's system, paper is light; series differ by dash and by
 * mark as well as by colour (Okabe & Ito's palette, lightened for dark), so that a grey copy says the same.
 */

const LIGHT = `
  --paper: #ffffff; --ink: #1d2129; --faint: #5d6570; --rule: #d9dde3; --wash: #f4f6f8;
  --good: #0b6b3a; --good-wash: #e5f4ec; --warn: #7a5200; --warn-wash: #fdf3dc; --bad: #a01c1c; --bad-wash: #fdeaea;
  --s0: #00795c; --s1: #6d7480; --s2: #b35c00; --s3: #0064a8; --s4: #a6397a; --s5: #8a6d00; --s6: #4b4ba8; --s7: #b3261e;`

const DARK = `
  --paper: #14171c; --ink: #e6e9ee; --faint: #a2aab6; --rule: #363c46; --wash: #1d2128;
  --good: #7fdcae; --good-wash: #143024; --warn: #f0c674; --warn-wash: #33290f; --bad: #ff9d96; --bad-wash: #3a1a1a;
  --s0: #3ecfa5; --s1: #9aa3b0; --s2: #f0994d; --s3: #6bb7f0; --s4: #ec8fc4; --s5: #e0c250; --s6: #a9a9f5; --s7: #ff8a80;`

/** How many tones there are: `--s0` … `--s7`. */
export const TONES = 8

/** By tone. */
const DASHES = ['none', '6 4', '2 3', '9 3 2 3', '4 2', '1 3', '8 5', '3 6'] as const

const TONE_RULES = DASHES.map(
  (dash, tone) =>
    `.tone-${tone} { --tone: var(--s${tone}) } .tone-${tone} .line { stroke-dasharray: ${dash} }`,
).join('\n')

export const STYLE_SHEET = `
:root { color-scheme: light dark; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root { ${DARK} } }
@media print { :root { color-scheme: light; ${LIGHT} } nav { display: none } figure, tr, .banner { break-inside: avoid } body { font-size: 10pt } details { display: none } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif }
main { max-width: 1200px; margin: 0 auto; padding: 1.5rem 1.25rem 4rem }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem } h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-top: .5rem; border-top: 1px solid var(--rule) } h3 { font-size: 1rem; margin: 1.5rem 0 .5rem }
p { max-width: 75ch; margin: .5rem 0 } .lead { color: var(--faint) } a { color: var(--s3) } code { font: .92em ui-monospace, "Liberation Mono", monospace; background: var(--wash); padding: .1em .3em; border-radius: 3px; overflow-wrap: anywhere }
:focus-visible { outline: 2px solid var(--s3); outline-offset: 2px }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; margin: 1rem 0 0 }
.banner { border-left: 4px solid; padding: .75rem 1rem; margin: 1.25rem 0; border-radius: 0 6px 6px 0 } .banner p { margin: .25rem 0 } .banner ul { margin: .4rem 0 0; padding-left: 1.2rem } .banner strong { display: block; font-size: 1.05rem }
.banner.good { border-color: var(--good); background: var(--good-wash) } .banner.good strong { color: var(--good) }
.banner.warn { border-color: var(--warn); background: var(--warn-wash) } .banner.warn strong { color: var(--warn) }
.banner.bad { border-color: var(--bad); background: var(--bad-wash) } .banner.bad strong { color: var(--bad) }
.scroll { overflow-x: auto; margin: .75rem 0 } .scroll:focus-visible { outline-offset: 0 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; min-width: 50% }
caption { text-align: left; color: var(--faint); padding: 0 0 .4rem } th, td { padding: .35rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule) } thead th { border-bottom: 2px solid var(--rule); white-space: nowrap } tbody th { font-weight: normal } td.n, th.n { text-align: right; white-space: nowrap }
tr.main > * { font-weight: 600; background: var(--wash) }
figure { margin: 1rem 0 1.5rem } figcaption { color: var(--faint); font-size: .92rem; max-width: 85ch } figure svg { display: block; width: 100%; height: auto; max-width: 900px }
svg text { fill: var(--ink); font-size: 12px; font-family: inherit } svg .tick { fill: var(--faint) } svg .grid { stroke: var(--rule); stroke-width: 1 } svg .axis { stroke: var(--faint); stroke-width: 1 }
svg .halo { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round }
svg .line { fill: none; stroke: var(--tone); stroke-width: 2; stroke-linejoin: round } svg .dot { fill: var(--tone); stroke: var(--paper); stroke-width: 1 } svg .bar { stroke: var(--tone); stroke-width: 1.5; opacity: .7 } svg .band { fill: var(--tone); opacity: .16 } svg .label { font-size: 11px; fill: var(--tone) } svg .reference { stroke: var(--faint); stroke-dasharray: 4 3 }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; padding: 0; margin: .3rem 0 .2rem; font-size: .9rem } .legend li { display: flex; align-items: center; gap: .4rem } .legend svg { width: 30px; height: 12px; flex: none }
details { margin: .4rem 0; font-size: .92rem } summary { cursor: pointer; color: var(--faint) }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: .75rem 0 } dt { color: var(--faint) } dd { margin: 0; overflow-wrap: anywhere }
@media (max-width: 600px) { dl { grid-template-columns: 1fr } dd { margin-bottom: .4rem } }
${TONE_RULES}
`
