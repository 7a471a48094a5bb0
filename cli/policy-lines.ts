/** Policies and their steps as a line each, for people. */
import type { PolicyFile } from '../engine/index.ts'
import type { PolicyListing, Rollout } from '../server/index.ts'

const HASH_CHARS = 12

/** `2026-01-31T12:00:00Z  auto: 5 % for 3f2a9c1b5e7d  by ann@host: why` */
export function lineOf({
  at_ms: atMs,
  model,
  action: what,
  outcome,
  hash,
  share,
  forced,
  reason,
  reasons,
  actor,
}: Rollout): string {
  const done =
    what === 'rollback'
      ? `back to ${name(hash)}`
      : what === 'full'
        ? `all traffic for ${name(hash)}`
        : `${percent(share)} for ${name(hash)}`
  const how = outcome === 'refused' ? ', refused' : forced ? ', forced' : ''
  const why = reasons.length === 0 ? '' : ` [${reasons.map(({ code }) => code).join(', ')}]`
  return `${time(atMs)}  ${model}: ${done}${how}${why}  by ${actor}${reason === '' ? '' : `: ${reason}`}`
}

export function listingLine({ hash, at_ms: atMs, policy, evaluations, serving }: PolicyListing): string {
  const served = serving.map(({ model, as, share }) => `${as} of ${model} ${percent(share)}`)
  const judged = evaluations === 1 ? '1 evaluation' : `${evaluations} evaluations`
  return `${short(hash)}  ${time(atMs)}  ${policy.name}, ${judged}${served.length === 0 ? '' : `, ${served.join(', ')}`}`
}

/** Where a file is from, and what its settings were worth on rows that no search had seen. As far as it says: it is another's. */
export function provenanceLines(provenance: PolicyListing['provenance']): readonly string[] {
  const { createdMs, source, split, rows, labels, tuning } = provenance as Partial<PolicyFile['provenance']>
  const made = [
    `${rows} rows of ${source}, ${split}`,
    createdMs === undefined ? '' : `on ${time(createdMs)}`,
    labels === undefined
      ? ''
      : `classes by ${labels.by}${Object.keys(labels.map).length > 0 ? ' and a map' : ''}`,
  ]
  const lines = [`  made from      ${made.filter((part) => part !== '').join(', ')}`]
  if (tuning === undefined) return lines
  const { mean, lo, hi } = tuning.heldOut.value
  const [value, low, high] = [mean, lo, hi].map((number) => number.toFixed(4).replace('-', '−'))
  return [
    ...lines,
    `  tuned for      ${tuning.objective}, ${tuning.trials} settings; held out ${value} [${low}, ${high}] on ${tuning.heldOut.rows} rows`,
  ]
}

export function name(hash: string | null): string {
  return hash === null ? 'the configuration’s policy' : short(hash)
}

export function short(hash: string): string {
  return /^[0-9a-f]{64}$/.test(hash) ? hash.slice(0, HASH_CHARS) : hash
}

export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(4))} %`
}

export function time(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '')
}
