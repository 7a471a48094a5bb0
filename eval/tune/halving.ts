/**
 * Successive halving (Karnin, Koren & Somekh 2013; Jamieson & Talwalkar 2016): all settings are tried cheaply, the best third of
 * them at more cost, and so on, so that most of the time goes to the settings that may win.
 */

export interface Rung<Level> {
  readonly level: Level
  /** Settings that are tried at this level, at most. */
  readonly keep: number
}

export interface Scored<T> {
  readonly setting: T
  /** At the last level it was tried at; higher is better. */
  readonly score: number
}

/**
 * @param score of a setting at a level
 * @returns the settings of the last level, best first; ties go to the earlier setting
 */
export async function successiveHalving<T, Level>(
  settings: readonly T[],
  rungs: readonly Rung<Level>[],
  score: (setting: T, level: Level) => Promise<number>,
): Promise<readonly Scored<T>[]> {
  let left: readonly Scored<T>[] = settings.map((setting) => ({ setting, score: 0 }))
  for (const { level, keep } of rungs) {
    const tried: Scored<T>[] = []
    for (const { setting } of left.slice(0, keep)) tried.push({ setting, score: await score(setting, level) })
    left = tried.toSorted((one, other) => other.score - one.score)
  }
  return left
}
