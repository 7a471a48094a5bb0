/** What the README says of the set, computed from its rows. */
import { ARMS } from './arms.ts'
import { REQUEST_CLASS_NAMES } from './requests/index.ts'
import type { RowJson } from './rows.ts'

/** What 0.01 of quality is worth per request, USD: the exchange rate behind "best value". */
export const USD_PER_QUALITY_POINT = 0.001

export interface Point {
  readonly quality: number
  readonly costUsd: number
}

export interface Summary {
  readonly rowCount: number
  readonly byArm: ReadonlyMap<string, Point>
  /** Per class: mean quality per arm, the arm with the best quality and the arm with the best value. */
  readonly byClass: ReadonlyMap<
    string,
    {
      readonly rowCount: number
      readonly byArm: ReadonlyMap<string, Point>
      readonly bestQuality: string
      readonly bestValue: string
    }
  >
  readonly bestSingle: { readonly arm: string } & Point
  /** The best arm of each class, chosen in hindsight by quality. */
  readonly classBest: Point
  /** The best arm of each class, chosen in hindsight by value. */
  readonly classBestValue: Point
  /** The best outcome of each prompt, the cheapest on ties. */
  readonly oracle: Point
  readonly random: Point
}

export function summarize(rows: readonly RowJson[]): Summary {
  const arms = Object.keys(ARMS)
  const pointOf = (some: readonly RowJson[], arm: string) => meanPoint(some.map((row) => outcomeOf(row, arm)))
  const byArm = new Map(arms.map((arm) => [arm, pointOf(rows, arm)]))
  const value = (point: Point) => point.quality - (0.01 * point.costUsd) / USD_PER_QUALITY_POINT
  const byClass = new Map(
    REQUEST_CLASS_NAMES.map((name) => {
      const some = rows.filter((row) => row.category === name)
      const points = new Map(arms.map((arm) => [arm, pointOf(some, arm)]))
      const bestQuality = argMax(points, (point) => point.quality)
      return [name, { rowCount: some.length, byArm: points, bestQuality, bestValue: argMax(points, value) }]
    }),
  )
  const best = argMax(byArm, (point) => point.quality)
  const follow = (choose: (row: RowJson) => string) =>
    meanPoint(rows.map((row) => outcomeOf(row, choose(row))))
  return {
    rowCount: rows.length,
    byArm,
    byClass,
    bestSingle: { arm: best, ...pointOf(rows, best) },
    classBest: follow((row) => byClass.get(row.category)?.bestQuality ?? best),
    classBestValue: follow((row) => byClass.get(row.category)?.bestValue ?? best),
    oracle: meanPoint(rows.map((row) => arms.map((arm) => outcomeOf(row, arm)).reduce(better))),
    random: meanPoint([...byArm.values()]),
  }
}

/** The README's two tables. */
export function summaryMarkdown(summary: Summary): string {
  const usd = (point: Point) => (point.costUsd * 1000).toFixed(4)
  const arms = [...summary.byArm.keys()]
  const shortName = (arm: string) => arm.slice(arm.indexOf('/') + 1)
  const named: readonly (readonly [string, Point])[] = [
    ...summary.byArm,
    [`best single (${shortName(summary.bestSingle.arm)})`, summary.bestSingle],
    ['random arm', summary.random],
    ['best value arm of each class, in hindsight', summary.classBestValue],
    ['best arm of each class, in hindsight', summary.classBest],
    ['oracle: best outcome of each prompt, cheapest on ties', summary.oracle],
  ]
  return [
    table(
      ['arm or rule', 'quality', '$/1k requests'],
      named.map(([name, point]) => [name, point.quality.toFixed(4), usd(point)]),
    ),
    table(
      ['class', 'prompts', ...arms.map(shortName), 'best quality', 'best value'],
      [...summary.byClass].map(([name, row]) => [
        name,
        String(row.rowCount),
        ...arms.map((arm) => row.byArm.get(arm)?.quality.toFixed(3) ?? ''),
        shortName(row.bestQuality),
        shortName(row.bestValue),
      ]),
    ),
  ].join('\n\n')
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = (column: number) => Math.max(...[header, ...rows].map((cells) => cells[column]?.length ?? 0))
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(width(column))).join(' | ')} |`
  const rule = header.map((_, column) => '-'.repeat(width(column)))
  return [header, rule, ...rows].map(line).join('\n')
}

function outcomeOf(row: RowJson, arm: string): Point {
  const outcome = row.outcomes[arm]
  if (outcome === undefined) throw new RangeError(`${row.prompt_id} has no outcome of ${arm}`)
  return { quality: outcome.quality, costUsd: outcome.cost_usd }
}

function better(one: Point, other: Point): Point {
  if (one.quality !== other.quality) return one.quality > other.quality ? one : other
  return one.costUsd <= other.costUsd ? one : other
}

function meanPoint(points: readonly Point[]): Point {
  const mean = (of: (point: Point) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length
  return { quality: mean((point) => point.quality), costUsd: mean((point) => point.costUsd) }
}

function argMax(points: ReadonlyMap<string, Point>, score: (point: Point) => number): string {
  return [...points].reduce((best, next) => (score(next[1]) > score(best[1]) ? next : best))[0]
}
