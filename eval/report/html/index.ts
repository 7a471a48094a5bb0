/** The pieces of which every self-contained report is made. */
export { renderBanner, renderRefusal, type Tone } from './banner.ts'
export { type Insert, Markup, markup } from './markup.ts'
export { type ReportPage, type ReportSection, renderFacts, renderPage } from './page.ts'
export { type PlotAxis, type PlotPoint, type PlotSeries, type PlotSpec, renderPlot } from './plot.ts'
export { renderTable, type TableColumn, type TableRow } from './table.ts'
