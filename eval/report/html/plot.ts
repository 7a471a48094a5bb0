/** Plots as SVG inside the page: lines, points with intervals, bands. Written by hand: a plotting library would weigh more than all of the report. */
import { type Insert, type Markup, markup } from './markup.ts'
import { createScale, domainOf, type Scale } from './scale.ts'
import { TONES } from './style.ts'
import { renderTable } from './table.ts'

export interface PlotPoint {
  readonly x: number
  readonly y: number
  /** Interval of y; not drawn where a bound is not finite. */
  readonly lo?: number
  readonly hi?: number
  /** Interval of x. */
  readonly xLo?: number
  readonly xHi?: number
  /** Stands beside the point. */
  readonly label?: string
}

export interface PlotSeries {
  readonly name: string
  /** In the order in which a line joins them. */
  readonly points: readonly PlotPoint[]
  readonly mark: 'line' | 'dots' | 'line-dots'
  /** 0 … 7: colour and dash; 0 is what the report is about, 1 what it is compared with. */
  readonly tone: number
  /** Intervals of y as an area instead of bars. */
  readonly band?: boolean
}

export interface PlotAxis {
  readonly label: string
  /** On logarithms values ≤ 0 are not drawn. @default 'linear' */
  readonly scale?: 'linear' | 'log'
  readonly format: (value: number) => string
  /** @default what the points span, with room */
  readonly domain?: readonly [low: number, high: number]
}

export interface PlotSpec {
  /** Unique in the page, letters, digits and hyphens. */
  readonly id: string
  readonly title: string
  /** What can be seen, for those who cannot see it; stands below the plot. */
  readonly description: string
  readonly x: PlotAxis
  readonly y: PlotAxis
  readonly series: readonly PlotSeries[]
  /** Lines across at a value of y, such as 0. */
  readonly references?: readonly number[]
}

const WIDTH = 860
const HEIGHT = 430
const MARGIN = { top: 18, right: 24, bottom: 50, left: 66 } as const
const DOT_RADIUS = 4
/** Of a character of an axis; about, and rather more than less. */
const TICK_WIDTH = 7
const TICK_GAP = 8
/** Points in the table of the data; a longer line is told by every so many-th. */
const ROWS_PER_SERIES = 60

/** A figure with caption, legend and its data as a table. Without a finite point it says so. */
export function renderPlot(spec: PlotSpec): Markup {
  const { id, title, description, x, y, series, references = [] } = spec
  const all = series.flatMap(({ points }) => points)
  const xDomain =
    x.domain ??
    domainOf(
      all.flatMap((p) => [p.x, p.xLo, p.xHi]),
      x.scale === 'log',
    )
  const yDomain =
    y.domain ?? domainOf([...all.flatMap((p) => [p.y, p.lo, p.hi]), ...references], y.scale === 'log')
  if (xDomain === undefined || yDomain === undefined)
    return markup`<p>${title}: there is nothing to draw.</p>`
  const across = createScale(xDomain, [MARGIN.left, WIDTH - MARGIN.right], x.scale === 'log')
  const up = createScale(yDomain, [HEIGHT - MARGIN.bottom, MARGIN.top], y.scale === 'log')
  // What is longer than the margin has room left of it.
  const longest = Math.max(...up.ticks.map((tick) => y.format(tick).length))
  const overhang = Math.max(0, longest * TICK_WIDTH + TICK_GAP - MARGIN.left)
  return markup`<figure id="${id}">
<svg viewBox="${-overhang} 0 ${WIDTH + overhang} ${HEIGHT}" role="img" aria-labelledby="${id}-title ${id}-description">
<title id="${id}-title">${title}</title>
<desc id="${id}-description">${description}</desc>
<clipPath id="${id}-clip"><rect x="${MARGIN.left}" y="${MARGIN.top}" width="${WIDTH - MARGIN.left - MARGIN.right}" height="${HEIGHT - MARGIN.top - MARGIN.bottom}"/></clipPath>
${axes(across, up, x, y)}
<g clip-path="url(#${id}-clip)">${references.map((value) => markup`<line class="reference" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${px(up.at(value))}" y2="${px(up.at(value))}"/>`)}
${series.map((each) => drawSeries(each, across, up))}</g>
${labels(series, across, up)}
</svg>
${legend(series)}
<figcaption>${description}</figcaption>
<details><summary>The data of this plot</summary>${dataTable(spec)}</details>
</figure>
`
}

function axes(across: Scale, up: Scale, x: PlotAxis, y: PlotAxis): Insert {
  const bottom = HEIGHT - MARGIN.bottom
  const right = WIDTH - MARGIN.right
  return [
    up.ticks.map((tick) => {
      const at = px(up.at(tick))
      return markup`<line class="grid" x1="${MARGIN.left}" x2="${right}" y1="${at}" y2="${at}"/><text class="tick" x="${MARGIN.left - TICK_GAP}" y="${at}" dy="0.32em" text-anchor="end">${y.format(tick)}</text>`
    }),
    across.ticks.map((tick) => {
      const at = px(across.at(tick))
      return markup`<line class="axis" x1="${at}" x2="${at}" y1="${bottom}" y2="${bottom + 5}"/><text class="tick" x="${at}" y="${bottom + 19}" text-anchor="middle">${x.format(tick)}</text>`
    }),
    markup`<line class="axis" x1="${MARGIN.left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>
<text x="${right}" y="${HEIGHT - 8}" text-anchor="end">${x.label}</text><text x="${MARGIN.left - 58}" y="11">${y.label}</text>`,
  ]
}

function drawSeries({ points, mark, tone, band }: PlotSeries, across: Scale, up: Scale): Markup {
  const drawn = points.filter((point) => isDrawn(point, across, up))
  const withInterval = drawn.filter(({ lo, hi }) => isFinitePair(lo, hi))
  const at = ({ x, y }: PlotPoint) => `${px(across.at(x))},${px(up.at(y))}`
  return markup`<g class="tone-${tone % TONES}">${
    band === true
      ? markup`<polygon class="band" points="${[
          ...withInterval.map(({ x, hi }) => at({ x, y: hi! })),
          ...withInterval.toReversed().map(({ x, lo }) => at({ x, y: lo! })),
        ].join(' ')}"/>`
      : withInterval.map(({ x, lo, hi }) => bar(across.at(x), across.at(x), up.at(lo!), up.at(hi!)))
  }${drawn
    .filter(({ xLo, xHi }) => isFinitePair(xLo, xHi))
    .map(({ y, xLo, xHi }) => bar(across.at(xLo!), across.at(xHi!), up.at(y), up.at(y)))}${
    mark !== 'dots' && markup`<polyline class="line" points="${drawn.map(at).join(' ')}"/>`
  }${mark !== 'line' && drawn.map((point) => dot(across.at(point.x), up.at(point.y), tone))}</g>
`
}

/** Above the point, or below it near the top, and towards the middle from both sides. */
function labels(series: readonly PlotSeries[], across: Scale, up: Scale): Insert {
  const taken: { readonly x: number; readonly y: number; readonly width: number }[] = []
  return series.map(({ points, tone }) =>
    points
      .filter((point) => point.label !== undefined && isDrawn(point, across, up))
      .map((point) => {
        const label = point.label!
        const x = across.at(point.x)
        const width = label.length * 6
        const isRight = x > WIDTH - MARGIN.right - width
        const left = isRight ? x - 7 - width : x + 7
        const overlaps = (y: number) =>
          taken.some(
            (other) => Math.abs(other.y - y) < 12 && other.x < left + width && left < other.x + other.width,
          )
        const y = [-7, 13, -20, 26].map((dy) => up.at(point.y) + dy).find((place) => !overlaps(place))
        // Where there is no room the table below has it.
        if (y === undefined) return undefined
        taken.push({ x: left, y, width })
        return markup`<text class="label halo tone-${tone % TONES}" x="${px(isRight ? x - 7 : x + 7)}" y="${px(y)}"${isRight && markup` text-anchor="end"`}>${label}</text>`
      }),
  )
}

function bar(x1: number, x2: number, y1: number, y2: number): Markup {
  return markup`<line class="bar" x1="${px(x1)}" x2="${px(x2)}" y1="${px(y1)}" y2="${px(y2)}"/>`
}

/** Round, square or diamond by tone. */
function dot(x: number, y: number, tone: number): Markup {
  const r = DOT_RADIUS
  if (tone % 3 === 1) {
    return markup`<rect class="dot" x="${px(x - r)}" y="${px(y - r)}" width="${2 * r}" height="${2 * r}"/>`
  }
  if (tone % 3 === 2) {
    const corners = [
      [0, -r - 1],
      [r + 1, 0],
      [0, r + 1],
      [-r - 1, 0],
    ] as const
    return markup`<polygon class="dot" points="${corners.map(([dx, dy]) => `${px(x + dx)},${px(y + dy)}`).join(' ')}"/>`
  }
  return markup`<circle class="dot" cx="${px(x)}" cy="${px(y)}" r="${r}"/>`
}

function legend(series: readonly PlotSeries[]): Insert {
  if (series.length < 2) return undefined
  const items = series.map(
    ({ name, mark, tone }) =>
      markup`<li class="tone-${tone % TONES}"><svg viewBox="0 0 30 12" aria-hidden="true">${mark !== 'dots' && markup`<line class="line" x1="0" x2="30" y1="6" y2="6"/>`}${mark !== 'line' && dot(15, 6, tone)}</svg>${name}</li>`,
  )
  return markup`<ul class="legend">${items}</ul>`
}

function dataTable({ title, x, y, series }: PlotSpec): Markup {
  const rows = series.flatMap(({ name, points }) => {
    const step = Math.max(1, Math.ceil(points.length / ROWS_PER_SERIES))
    return points
      .filter((_, i) => i % step === 0 || i === points.length - 1)
      .map((point) => {
        const range = isFinitePair(point.lo, point.hi)
          ? ` [${y.format(point.lo!)}, ${y.format(point.hi!)}]`
          : ''
        return { cells: [point.label ?? name, x.format(point.x), `${y.format(point.y)}${range}`] }
      })
  })
  return renderTable(
    title,
    [{ title: 'series' }, { title: x.label, numeric: true }, { title: y.label, numeric: true }],
    rows,
  )
}

function isDrawn({ x, y }: PlotPoint, across: Scale, up: Scale): boolean {
  return Number.isFinite(across.at(x)) && Number.isFinite(up.at(y))
}

function isFinitePair(lo: number | undefined, hi: number | undefined): boolean {
  return lo !== undefined && hi !== undefined && Number.isFinite(lo) && Number.isFinite(hi)
}

/** A hundredth of a unit is finer than any screen, and keeps the file small. */
function px(place: number): string {
  return String(Math.round(place * 100) / 100)
}
