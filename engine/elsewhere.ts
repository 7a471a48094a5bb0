/** Learning together: what other processes have observed takes its place beside what was observed here. Pure. */
import { type ArmModel, headOf } from './arm-model.ts'
import { type ArmId, HEADS, type HeadName, type HeadSums } from './types.ts'

/** Where a head's memory begins, as all who share a store agree: what an arm was before it changed is forgotten by all. */
export interface HeadCut {
  readonly arm: ArmId
  readonly head: HeadName
  /** Examples from before do not count, Unix ms. */
  readonly sinceMs: number
  /** What the latest notice said, before it was bounded by the time at which it was stored: a clock may be ahead. */
  readonly announcedMs: number
}

/** All that was observed under other names than this process has now. */
export interface Elsewhere {
  /** Without what the cuts forget. */
  readonly sums: readonly HeadSums[]
  readonly cuts: readonly HeadCut[]
  /** Whether the sums contain all examples from before the last {@link Router.handOver}. */
  readonly withHandedOver: boolean
}

export interface Merged {
  /** Whether anything that is believed has changed. */
  readonly changed: boolean
  /** Changes noticed here that are among no cuts yet. Their heads take nothing from elsewhere until they are. */
  readonly unheard: readonly Pick<HeadCut, 'arm' | 'head' | 'sinceMs'>[]
  /** Own sums that only the store can cut at the right example: hand over, and read again. */
  readonly needsHandOver: boolean
}

/** @param models also of the arms that only the sums and cuts name */
export function mergeElsewhere(
  models: ReadonlyMap<ArmId, ArmModel>,
  { sums, cuts, withHandedOver }: Elsewhere,
): Merged {
  const sumsOf = byHead(sums)
  const cutOf = byHead(cuts)
  let changed = false
  let needsHandOver = false
  const unheard: { arm: ArmId; head: HeadName; sinceMs: number }[] = []
  for (const [arm, model] of models) {
    for (const name of HEADS) {
      const head = headOf(model, name)
      const key = keyOf(arm, name)
      if (head.replaceElsewhere(sumsOf.get(key), cutOf.get(key), withHandedOver)) changed = true
      if (head.needsHandOver) needsHandOver = true
      const sinceMs = head.unheardChangeMs
      if (sinceMs !== undefined) unheard.push({ arm, head: name, sinceMs })
    }
  }
  return { changed, unheard, needsHandOver }
}

function byHead<Entry extends { readonly arm: ArmId; readonly head: HeadName }>(
  entries: readonly Entry[],
): ReadonlyMap<string, Entry> {
  return new Map(entries.map((entry) => [keyOf(entry.arm, entry.head), entry]))
}

function keyOf(arm: ArmId, head: HeadName): string {
  return `${head} ${arm}`
}
