import { corrected, type RowValue } from './row-value.ts'

/**
 * Direct method: mean(Σ_a π_e(a|x) q̂(x, a)), what a reward model expects of the target. As biased as the model, and its
 * interval knows nothing of that; to be read beside DR, never alone.
 *
 * Beygelzimer & Langford 2009 (arXiv:0812.4044).
 */
export const dm: RowValue = corrected('dm', () => 0)
