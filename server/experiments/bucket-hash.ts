/**
 * Where a unit falls in [0, 1): GrowthBook's bucketing hash, so that an assignment can be recomputed by any of its SDKs. Its
 * version is stored with each experiment: another hash would move everyone.
 */

/** 1 is kept for what was assigned with it elsewhere: it has 1,000 buckets and correlates between similar seeds. */
export type HashVersion = 1 | 2

/** FNV-1a with 32 bits over UTF-16 code units. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}

/** The bucket of a unit's `value` under `seed`, in [0, 1): of 10,000 buckets, with version 1 of 1,000. */
export function bucketOf(seed: string, value: string, version: HashVersion = 2): number {
  if (version === 1) return (fnv1a32(value + seed) % 1_000) / 1_000
  return (fnv1a32(String(fnv1a32(seed + value))) % 10_000) / 10_000
}
