/** One round of a logged contextual bandit, from whichever format: what off-policy evaluation of foreign logs starts from. */

/**
 * Sparse features by name; what is absent is 0. A number is a value, a text is a category: `colour → "red"` is what
 * one-hot coding calls `colour=red` with value 1. Features of a namespace are called `namespace^feature`, as Vowpal Wabbit audits them.
 */
export type BanditFeatures = ReadonlyMap<string, number | string>

/** Something that could have been done. */
export interface BanditAction {
  /** Unique among the actions of a row, and the same for the same action in every row where the source names its actions. */
  readonly id: string
  readonly features: BanditFeatures
}

export interface LoggedBanditRow {
  /** The source's id of the event, else `name of the file:number of the row`. */
  readonly id: string
  /** When the action was taken, Unix ms; undefined where the source does not tell. */
  readonly atMs: number | undefined
  /** What all actions share: the user, the request. */
  readonly context: BanditFeatures
  /** The actions that were eligible, at least one, in the source's order. */
  readonly actions: readonly BanditAction[]
  /** Index in `actions` of the action that was taken. */
  readonly taken: number
  /** Probability with which the logging policy took it, in (0, 1]. */
  readonly propensity: number
  /** The logging policy's probability of each action, summing to 1; undefined where the source tells only the taken one's. */
  readonly probabilities: Float64Array | undefined
  /** Higher is better: costs change their sign on the way in. Undefined: none was observed. */
  readonly reward: number | undefined
  /** The slot that was filled, counted from 1; undefined where there is only one. Slots of one page are rows of their own. */
  readonly position: number | undefined
  /** How many rounds the row stands for, > 0: 1 unless the source dropped rows at random and says at which rate. */
  readonly weight: number
  /** True: the source asks not to learn from the row, nor to score by it. */
  readonly skipLearn: boolean
}
