/** How often nominal intervals hold the truth, and how far off values are: over logs drawn from worlds whose truth is known. */
import {
  asymptoticInterval,
  clippedIps,
  createEstimators,
  dr,
  drOs,
  type Estimate,
  empiricalBernsteinInterval,
  ips,
  PairedDifference,
  RowMean,
  RunningMoments,
  StreamingBootstrap,
  snips,
  subGaussianDr,
  subGaussianIps,
  switchDr,
  Tuning,
  WeightDiagnostics,
} from '../../eval/index.ts'
import { quantile } from '../../eval/intervals/bootstrap.ts'
import { type LoggedDraw, LoggedWorld, type WorldOptions } from './coverage-world.ts'

export interface Setting extends WorldOptions {
  readonly name: string
  readonly decisions: number
}

/** Close to those in which the reference implementations were measured: overlap from good to poor, and a heavy reward. */
export const SETTINGS: readonly Setting[] = [
  {
    name: 'A',
    decisions: 1_000,
    arms: 6,
    reward: 'binary',
    loggerSharpness: 2,
    targetSharpness: 7,
    seed: 1,
  },
  {
    name: 'B',
    decisions: 1_000,
    arms: 6,
    reward: 'binary',
    loggerSharpness: -4,
    targetSharpness: 6,
    seed: 1,
  },
  {
    name: 'C',
    decisions: 300,
    arms: 4,
    reward: 'binary',
    loggerSharpness: 0,
    targetSharpness: 10,
    seed: 1,
  },
  {
    name: 'D',
    decisions: 2_000,
    arms: 10,
    reward: 'continuous',
    loggerSharpness: 0.5,
    targetSharpness: 3,
    seed: 1,
  },
]

export function settingNamed(name: string): Setting {
  return SETTINGS.find((setting) => setting.name === name)!
}

/** From a logging policy like the target to one that avoids what the target prefers, and rarely explores. */
export const OVERLAPS: readonly Setting[] = [
  [4, 0.1],
  [0, 1],
  [-2, 0.1],
  [-4, 0.05],
  [-6, 0.02],
  [-8, 0.01],
].map(([loggerSharpness, uniformShare]) => ({
  name: `logger ${loggerSharpness}, ${100 * uniformShare!} % uniform`,
  decisions: 2_000,
  arms: 6,
  reward: 'binary',
  loggerSharpness: loggerSharpness!,
  uniformShare: uniformShare!,
  targetSharpness: 6,
  seed: 2,
}))

export interface Figures {
  readonly repetitions: number
  /** Share of intervals that held the truth. */
  readonly coverage: number
  /** Median width; of bounds that are infinite, Infinity. */
  readonly width: number
  readonly bias: number
  readonly rmse: number
}

export interface StudyResult {
  readonly setting: Setting
  readonly truth: number
  readonly medianEss: number
  /** By the name of the estimator, or of the interval where it is not the estimator's own. */
  readonly figures: ReadonlyMap<string, Figures>
}

/** Each by as much as registries have for a default, and clipped IPS as one often meets it. */
const SHRUNKEN = [switchDr(30), drOs(1_000), subGaussianDr(0.01), subGaussianIps(0.01), clippedIps(5)]

/** Bootstraps cost as much as all else together; fewer of them show enough. */
const BOOTSTRAPPED = 400
const RESAMPLES = 200

/** All estimators over `repetitions` logs of one setting. */
export function study(setting: Setting, repetitions: number): StudyResult {
  const world = new LoggedWorld(setting)
  const tallies = new Map<string, Tally>()
  const record = (name: string, estimate: Estimate | undefined, truth = world.truth) => {
    const tally = tallies.get(name) ?? new Tally()
    tallies.set(name, tally)
    tally.add(estimate, truth)
  }
  const ess: number[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const rows = world.draw(setting.decisions, repetition)
    const { figures, estimates } = estimatesOf(world, rows, repetition < BOOTSTRAPPED)
    ess.push(figures.ess)
    record('paired difference (dr)', pairedDifference(rows), world.truth - world.loggedTruth)
    for (const [name, estimate] of estimates) record(name, estimate)
  }
  return {
    setting,
    truth: world.truth,
    medianEss: quantile(Float64Array.from(ess).sort(), 0.5),
    figures: new Map([...tallies].map(([name, tally]) => [name, tally.figures()])),
  }
}

function estimatesOf(world: LoggedWorld, rows: readonly LoggedDraw[], bootstrapped: boolean) {
  const isBinary = world.options.reward === 'binary'
  const sums = createEstimators({
    names: ['dr', 'snips', 'sndr', 'ips', 'cressie_read', 'dm'],
    weightBounds: [0, Math.max(world.largestWeight, 1.1)],
    ...(isBinary && { rewardBounds: [0, 1] as const }),
  })
  const others = [
    ...SHRUNKEN.map((value) => [value.name, new RowMean(value)] as const),
    ['dr, asymptotic CS', new RowMean(dr(), asymptoticInterval(rows.length))],
    ...(isBinary
      ? [['ips, emp. Bernstein', new RowMean(ips, empiricalBernsteinInterval(world.largestWeight))] as const]
      : []),
    ...(bootstrapped
      ? [['snips, bootstrap', new StreamingBootstrap(snips, { seed: 1, resamples: RESAMPLES })] as const]
      : []),
  ] as const
  const slope = new Tuning('dr_os', [1, 10, 100, 1_000, Number.POSITIVE_INFINITY])
  const weights = new WeightDiagnostics()
  for (const row of rows) {
    sums.add(row)
    weights.add(row)
    slope.add(row)
    for (const [, estimator] of others) estimator.add(row)
  }
  const estimates: (readonly [string, Estimate | undefined])[] = [
    ...Object.entries(sums.estimates()),
    ...others.map(([name, estimator]) => [name, estimator.get()] as const),
    ['dr_os, λ by SLOPE', slope.slope()?.estimate],
  ]
  return { figures: weights.get()!, estimates }
}

function pairedDifference(rows: readonly LoggedDraw[]): Estimate | undefined {
  const difference = new PairedDifference(dr())
  for (const target of rows) {
    difference.add({ target, incumbent: { ...target, weight: 1, predictedTarget: target.predictedLogged } })
  }
  return difference.get()
}

export interface WatchedResult {
  readonly looks: number
  /** Share of logs whose interval held the truth at every look. */
  readonly asymptotic: number
  readonly fixed: number
}

/** Looking at a growing log again and again: DR row values, by Student's t and by the asymptotic confidence sequence. */
export function watched(setting: Setting, repetitions: number, looks: number): WatchedResult {
  const world = new LoggedWorld(setting)
  const value = dr()
  const every = Math.floor(setting.decisions / looks)
  const held = { asymptotic: 0, fixed: 0 }
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const sequence = new RowMean(value, asymptoticInterval(setting.decisions / 2))
    const fixed = new RowMean(value)
    const misses = { asymptotic: 0, fixed: 0 }
    for (const [i, row] of world.draw(setting.decisions, repetition).entries()) {
      sequence.add(row)
      fixed.add(row)
      if ((i + 1) % every !== 0) continue
      if (!holds(sequence.get(), world.truth)) misses.asymptotic++
      if (!holds(fixed.get(), world.truth)) misses.fixed++
    }
    if (misses.asymptotic === 0) held.asymptotic++
    if (misses.fixed === 0) held.fixed++
  }
  return { looks, asymptotic: held.asymptotic / repetitions, fixed: held.fixed / repetitions }
}

function holds(estimate: Estimate | undefined, truth: number): boolean {
  return estimate !== undefined && estimate.lo <= truth && truth <= estimate.hi
}

class Tally {
  readonly #errors = new RunningMoments()
  readonly #widths: number[] = []
  #held = 0

  add(estimate: Estimate | undefined, truth: number): void {
    if (estimate === undefined) return
    this.#errors.add(estimate.value - truth)
    this.#widths.push(estimate.hi - estimate.lo)
    if (holds(estimate, truth)) this.#held++
  }

  figures(): Figures {
    const { count, mean, squares } = this.#errors
    return {
      repetitions: count,
      coverage: this.#held / count,
      width: quantile(Float64Array.from(this.#widths).sort(), 0.5),
      bias: mean,
      rmse: Math.sqrt(squares / count + mean * mean),
    }
  }
}
