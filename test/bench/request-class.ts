/**
 * `node test/bench/request-class.ts [--json]`: how often the classifier of request classes is right, beside the keyword
 * rules that it replaced and beside always saying the commonest class.
 *
 *   held-out     families of the labelled set that the classifier was not trained on
 *   crossroads   the bundled set, of the classes that a text alone can tell
 *   others       the reference sets, as far as a task or a subject is one of our classes (see reference-classes.ts)
 */
import Table from 'cli-table3'
import { openDataset } from '../../datasets/index.ts'
import { labelledRequests } from '../../datasets/request-classes/rows.ts'
import { describeRequest, type RequestText } from '../../engine/index.ts'
import { TEXT_CLASSES } from '../helpers/build-class-model.ts'
import { keywordClass } from '../helpers/keyword-class.ts'
import { referenceRequests } from '../helpers/reference-classes.ts'

const COMPACT = {
  chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  style: { head: [], border: [], compact: true },
}

interface Labelled {
  readonly set: string
  readonly label: string
  readonly request: RequestText
}

interface Score {
  readonly set: string
  readonly rows: number
  readonly classes: number
  readonly model: number
  readonly keywords: number
  readonly majority: number
}

async function labelledRows(): Promise<readonly Labelled[]> {
  const ours = labelledRequests()
    .filter(({ split }) => split === 'held-out')
    .map(({ requestClass, request }) => ({ set: 'held-out', label: requestClass, request }))
  const bundled: Labelled[] = []
  for await (const { category, prompt } of (await openDataset('crossroads')).rows()) {
    if (TEXT_CLASSES.includes(category)) {
      bundled.push({ set: 'crossroads', label: category, request: requestOf(prompt) })
    }
  }
  const others: Labelled[] = []
  for await (const { set, label, prompt } of referenceRequests()) {
    others.push({ set, label, request: requestOf(prompt) })
  }
  return [...ours, ...bundled, ...others]
}

function requestOf(prompt: string): RequestText {
  return { messages: [{ role: 'user', text: prompt }], promptTokens: Math.ceil(prompt.length / 4) }
}

const inferred = (request: RequestText): string => describeRequest(request).requestClass

function scoreOf(set: string, rows: readonly Labelled[]): Score {
  const share = (isRight: (row: Labelled) => boolean): number => rows.filter(isRight).length / rows.length
  const labels = [...new Set(rows.map(({ label }) => label))]
  return {
    set,
    rows: rows.length,
    classes: labels.length,
    model: share(({ label, request }) => inferred(request) === label),
    keywords: share(({ label, request }) => keywordClass(request) === label),
    majority: Math.max(...labels.map((label) => share((row) => row.label === label))),
  }
}

/** Rows: what was asked for; columns: what was said. */
function confusionTable(rows: readonly Labelled[]): string {
  const said = [...new Set(rows.map(({ request }) => inferred(request)))].sort()
  const table = new Table({ head: ['asked for', ...said], ...COMPACT })
  for (const label of [...new Set(rows.map((row) => row.label))].sort()) {
    const own = rows.filter((row) => row.label === label).map(({ request }) => inferred(request))
    table.push([label, ...said.map((name) => own.filter((each) => each === name).length || '')])
  }
  return table.toString()
}

/** Of the rows that are at least so sure, the share that is right. */
function calibrationTable(rows: readonly Labelled[]): string {
  const table = new Table({ head: ['confidence', 'rows', 'right'], ...COMPACT })
  const told = rows.map(({ label, request }) => {
    const { requestClass, classConfidence } = describeRequest(request)
    return { confidence: classConfidence, right: requestClass === label }
  })
  for (const [from, to] of [
    [0, 0.25],
    [0.25, 0.5],
    [0.5, 0.75],
    [0.75, 0.9],
    [0.9, 1.01],
  ] as const) {
    const band = told.filter(({ confidence }) => confidence >= from && confidence < to)
    const right = band.filter((each) => each.right).length
    table.push([
      `${from} – ${Math.min(to, 1)}`,
      band.length,
      band.length === 0 ? '' : (right / band.length).toFixed(3),
    ])
  }
  return table.toString()
}

function render(scores: readonly Score[]): string {
  const table = new Table({
    head: ['set', 'rows', 'classes', 'classifier', 'keywords', 'commonest class'],
    ...COMPACT,
  })
  for (const { set, rows, classes, ...shares } of scores) {
    table.push([
      set,
      rows,
      classes,
      ...[shares.model, shares.keywords, shares.majority].map((x) => x.toFixed(3)),
    ])
  }
  return table.toString()
}

const rows = await labelledRows()
const sets = [...new Set(rows.map(({ set }) => set))]
const scores = sets.map((set) =>
  scoreOf(
    set,
    rows.filter((row) => row.set === set),
  ),
)
const outside = rows.filter(({ set }) => set !== 'held-out' && set !== 'crossroads')
if (outside.length > 0) scores.push(scoreOf('all reference sets', outside))
if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify({ scores })}\n`)
else {
  const heldOut = rows.filter(({ set }) => set === 'held-out')
  const tables = [render(scores), confusionTable(heldOut), calibrationTable(heldOut)]
  process.stdout.write(`${tables.join('\n\n')}\n`)
}
