/** The baselines as a reader of a report knows them. */
import type { BaselineName } from '../baselines/index.ts'

const BASELINE_TITLES: Readonly<Record<BaselineName, string>> = {
  random: 'random',
  bestSingle: 'best single',
  bestSingleTrain: 'best single (training)',
  zeroRouter: 'zero router (equal cost)',
  categoryMean: 'category mean',
  knn: 'nearest neighbours',
  ridge: 'ridge on features',
  classHindsight: 'best per class (hindsight)',
  oracle: 'oracle',
}

export function titleOf(name: string): string {
  return BASELINE_TITLES[name as BaselineName] ?? name
}
