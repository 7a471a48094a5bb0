/** `highwayman datasets describe`. */
import {
  type DatasetSummary,
  type DeploymentLatency,
  describeDataset,
  describeLog,
  type Found,
  type LogSummary,
  licenceOf,
  quantile,
  readArrivals,
  readBanditFile,
  readLatencyFile,
  summarizeLatencies,
} from '../../datasets/index.ts'
import { type Output, print } from '../run.ts'
import { datasetWithLatency, foundAt, type LatencyFlags, latencyLine, short, table } from './shared.ts'

export interface DescribeFlags extends Output, LatencyFlags {
  readonly path: string
}

const LISTED_MAX = 20

export async function describeSet(flags: DescribeFlags): Promise<void> {
  const described = []
  for (const found of await foundAt(flags.path)) {
    const licence = await licenceOf(found)
    const head = { path: found.path, kind: found.kind, licence: licence ?? null }
    const [summary, lines] = await summarize(found, flags)
    described.push({ ...head, ...summary })
    if (!flags.json) {
      const first = `${found.path}: ${found.kind}${found.format === undefined ? '' : ` (${found.format})`}`
      process.stdout.write(`${first}\nlicence: ${licence ?? 'not stated'}\n${lines}\n`)
    }
  }
  if (flags.json) print(withNulls(described.length === 1 ? described[0] : { sets: described }))
}

/** What is not known is null, so that every field is there. */
function withNulls(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, found: unknown) => (found === undefined ? null : found)))
}

type Described = readonly [summary: Readonly<Record<string, unknown>>, lines: string]

async function summarize(found: Found, flags: DescribeFlags): Promise<Described> {
  if (found.kind === 'outcomes') return await outcomes(found, flags)
  if (found.kind === 'log') {
    const summary = await describeLog(readBanditFile(found.path, found.format))
    return [{ ...summary }, logLines(summary)]
  }
  if (found.kind === 'latency') {
    const deployments = await summarizeLatencies(readLatencyFile(found.path))
    return [{ deployments }, latencyLines(deployments)]
  }
  return await arrivals(found)
}

async function outcomes(found: Found, flags: DescribeFlags): Promise<Described> {
  const dataset = await datasetWithLatency(found.path, flags)
  const summary = await describeDataset(dataset)
  const latency = latencyLine(flags, dataset)
  const { name, origin } = dataset
  return [
    { name, format: origin?.format, files: origin?.files, latency, ...summary },
    `name: ${name}, format ${origin?.format}\nlatency: ${latency}\n${outcomeLines(summary)}`,
  ]
}

function outcomeLines(summary: DatasetSummary): string {
  const { rows, arms, splits, classes, contaminated, promptChars, duplicates } = summary
  const hasLatency = arms.some(({ latency }) => latency !== undefined)
  const header = ['arm', 'rows', 'missing', 'quality', '$/1k requests', 'without cost']
  const cells = arms.map((arm) => [
    arm.arm,
    String(arm.rows),
    String(arm.missing),
    short(arm.quality),
    short(arm.costUsd === undefined ? undefined : arm.costUsd * 1000),
    String(arm.withoutCost),
    ...(hasLatency ? [short(arm.latency?.ttftMsP50, 0), short(arm.latency?.tpotMsP50, 1)] : []),
  ])
  const leaks = duplicates.examples.map(
    ({ promptId, split, otherSplit }) => `  ${promptId} in ${split}, its prompt first in ${otherSplit}`,
  )
  return [
    `rows: ${rows} × ${arms.length} arms; splits: ${counted(splits)}; contaminated: ${contaminated}`,
    `classes: ${counted(classes)}`,
    `prompts: ${Math.round(promptChars.mean)} characters on average, at most ${promptChars.max}`,
    `duplicates: ${duplicates.rows} rows repeat a prompt, ${duplicates.acrossSplits} of them from another split`,
    ...leaks,
    ...(arms.some(({ missing }) => missing > 0)
      ? ['means are over an arm’s own rows, and arms have different ones: compare them with care']
      : []),
    table(hasLatency ? [...header, 'ttft p50 ms', 'tpot p50 ms'] : header, cells, [1, 2, 3, 4, 5, 6, 7]),
  ].join('\n')
}

function logLines(summary: LogSummary): string {
  const { rows, actions, eligible, reward, propensity, positions, features, from, to } = summary
  const cells = actions
    .slice(0, LISTED_MAX)
    .map(({ action, eligible: of, taken, reward: mean }) => [action, String(of), String(taken), short(mean)])
  const more = actions.length > LISTED_MAX ? [`… and ${actions.length - LISTED_MAX} more`] : []
  return [
    `rows: ${rows}, ${from ?? 'no times'}${to === undefined ? '' : ` to ${to}`}; not to learn from: ${summary.skipLearn}; stand for ${Math.round(summary.weight)} rounds`,
    `actions: ${actions.length}, of which ${eligible.min} to ${eligible.max} were eligible`,
    `reward: ${short(reward.mean, 5)} on average; ${reward.missing} rows without`,
    `propensity: ${short(propensity.min)} to ${short(propensity.max)}, ${short(propensity.mean)} on average; ${summary.wholeDistribution} rows tell the whole distribution`,
    `features: ${features.context} of the context, ${features.action} of actions; positions: ${counted(positions)}`,
    table(['action', 'eligible', 'taken', 'reward'], cells, [1, 2, 3]) + more.join(''),
  ].join('\n')
}

function latencyLines(deployments: readonly DeploymentLatency[]): string {
  const cells = deployments.map(({ deployment, requests, failed, latency }) => [
    deployment,
    String(requests),
    String(failed),
    ...[latency?.ttftMsP50, latency?.ttftMsP95].map((ms) => short(ms, 0)),
    ...[latency?.tpotMsP50, latency?.tpotMsP95].map((ms) => short(ms, 1)),
  ])
  const header = ['deployment', 'requests', 'failed', 'ttft p50 ms', 'p95', 'tpot p50 ms', 'p95']
  return table(header, cells, [1, 2, 3, 4, 5, 6])
}

async function arrivals(found: Found): Promise<Described> {
  const [input, output, gaps]: [number[], number[], number[]] = [[], [], []]
  let lastMs = 0
  for await (const { atMs, inputTokens, outputTokens } of readArrivals(found.path)) {
    if (input.length > 0) gaps.push(atMs - lastMs)
    lastMs = atMs
    input.push(inputTokens)
    output.push(outputTokens)
  }
  const of = (values: readonly number[]) => ({ p50: quantile(values, 0.5), p95: quantile(values, 0.95) })
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / Math.max(gaps.length, 1)
  const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / Math.max(gaps.length, 1)
  const summary = {
    requests: input.length,
    seconds: lastMs / 1000,
    // Of the times between requests; 1 for a Poisson process, more for bursts.
    burstiness: variance / mean ** 2,
    inputTokens: of(input),
    outputTokens: of(output),
  }
  const line = (name: string, { p50, p95 }: { p50: number; p95: number }) =>
    `${name}: ${Math.round(p50)} at the median, ${Math.round(p95)} at the 95th percentile`
  return [
    summary,
    [
      `requests: ${summary.requests} in ${Math.round(summary.seconds)} s; squared variation of the gaps ${short(summary.burstiness, 2)} (Poisson: 1)`,
      line('input tokens', summary.inputTokens),
      line('output tokens', summary.outputTokens),
      '',
    ].join('\n'),
  ]
}

function counted(counts: Readonly<Record<string, number>>): string {
  const all = Object.entries(counts)
  const shown = all.slice(0, LISTED_MAX).map(([name, count]) => `${name} ${count}`)
  if (all.length > LISTED_MAX) shown.push(`… ${all.length - LISTED_MAX} more`)
  return shown.length === 0 ? 'none' : shown.join(', ')
}
