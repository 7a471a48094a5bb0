/**
 * From when on an example's age counts: the start of its time bucket. Stated for readers of the sums and for those who
 * observe, so that both come to the same weights. The widths are those of the migrations.
 */
import type { HeadName } from '../../engine/index.ts'

export const DAY_MS = 86_400_000
/** Older buckets are rolled up to one in so long. */
export const SLOT_MS = 21_600_000

/** Of the rows of `posterior` that are not rolled up yet. */
export const ROW_BUCKET_MS: Readonly<Record<HeadName, number>> = {
  quality: 3_600_000,
  ttft: 300_000,
  tpot: 300_000,
  output_tokens: 300_000,
  success: 60_000,
}

/**
 * A head that remembers a day or more has slots of six hours for its buckets, at most a quarter of its half-life, so that
 * rolling up changes no weight. The others have forgotten what is rolled up, or as good as.
 */
export function bucketMsOf(
  halfLifeMs: Readonly<Record<HeadName, number>>,
): Readonly<Record<HeadName, number>> {
  const widthOf = (head: HeadName): number => (halfLifeMs[head] >= DAY_MS ? SLOT_MS : ROW_BUCKET_MS[head])
  return {
    quality: widthOf('quality'),
    ttft: widthOf('ttft'),
    tpot: widthOf('tpot'),
    output_tokens: widthOf('output_tokens'),
    success: widthOf('success'),
  }
}
