/** What is searched: the settings of a policy that data cannot tell by themselves, and how one is drawn. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { MAX_TEXT_COMPONENTS, type PolicySpec, type PriorScale } from '../../engine/index.ts'
import type { RandomGenerator } from '../random.ts'

/**
 * What is told of a text: that many topics of the prompts, 0 … 40, or `outcomes`: what the words foretell of the arms' quality, in as many
 * coordinates as arms can differ in, 16 at most.
 */
export type TextComponents = number | 'outcomes'

/** Whether text is looked at, and how, when that is not searched. */
export const TEXT_CHOICES = {
  none: [0],
  topics: [16, MAX_TEXT_COMPONENTS],
  outcomes: ['outcomes'],
} as const satisfies Readonly<Record<string, readonly TextComponents[]>>
export type TextChoice = keyof typeof TEXT_CHOICES

/** One point of the search. */
export interface Candidate {
  readonly policy: PolicySpec
  readonly floor: number
  readonly textComponents: TextComponents
  readonly priorScale: PriorScale
  /** Rows that the sums of one head count as at most. */
  readonly effectiveSamples: number
  /** Of the quality head; `Infinity` never forgets. */
  readonly qualityHalfLifeMs: number
}

/** Drawn uniformly from a list, or from a range on logarithms. */
type Choice<T> = readonly T[]
interface LogRange {
  readonly from: number
  readonly to: number
}

/** Plain data: it is written into the provenance as it is. */
export interface SearchSpace {
  readonly policy: Choice<string>
  /** Of `thompson`, `linucb` (alpha) and `softmax` (temperature). */
  readonly exploration: LogRange
  readonly gammaScale: LogRange
  readonly epsilon: LogRange
  readonly floor: Choice<number>
  readonly textComponents: Choice<TextComponents>
  readonly classScale: Choice<number>
  readonly structureScale: Choice<number>
  readonly textScale: Choice<number>
  readonly effectiveSamples: Choice<number>
  readonly qualityHalfLifeDays: Choice<number>
}

/**
 * Frozen objectives judge what is known: nothing can be gained there by exploring or by forgetting, so little of both is
 * drawn. A scale of 0.01 leaves a block out.
 */
export const FROZEN_SPACE: SearchSpace = {
  policy: ['thompson', 'linucb', 'squarecb', 'softmax', 'epsilon-greedy'],
  exploration: { from: 0.01, to: 0.3 },
  gammaScale: { from: 100, to: 10_000 },
  epsilon: { from: 0.001, to: 0.02 },
  floor: [0, 0.002, 0.005, 0.01],
  textComponents: [0, 16, MAX_TEXT_COMPONENTS, 'outcomes', 'outcomes'],
  classScale: [0.5, 0.7, 1, 1.5],
  structureScale: [0.01, 0.3, 0.6, 1, 1.5],
  textScale: [0.3, 0.6, 1, 1.5, 2.5, 5, 10],
  effectiveSamples: [2_000, 4_000, 16_000, 64_000],
  qualityHalfLifeDays: [14],
}

export const ONLINE_SPACE: SearchSpace = {
  ...FROZEN_SPACE,
  exploration: { from: 0.05, to: 1.5 },
  gammaScale: { from: 10, to: 2_000 },
  epsilon: { from: 0.005, to: 0.2 },
  floor: [0, 0.005, 0.01, 0.02, 0.05],
  effectiveSamples: [250, 1_000, 2_000, 8_000],
  qualityHalfLifeDays: [7, 14, 28],
}

const DAY_MS = 86_400_000

export function drawCandidate(space: SearchSpace, random: RandomGenerator): Candidate {
  const uniform = () => uniformFloat64(random)
  const one = <T>(choices: Choice<T>): T => choices[Math.floor(uniform() * choices.length)]!
  const within = ({ from, to }: LogRange) => Number((from * (to / from) ** uniform()).toPrecision(3))
  // All dimensions are drawn in every case, so that adding a policy moves no other draw of the same candidate.
  const name = one(space.policy)
  const exploration = within(space.exploration)
  const gammaScale = within(space.gammaScale)
  const epsilon = within(space.epsilon)
  return {
    policy: policyOf(name, { exploration, gammaScale, epsilon }),
    floor: one(space.floor),
    textComponents: one(space.textComponents),
    priorScale: {
      class: one(space.classScale),
      structure: one(space.structureScale),
      text: one(space.textScale),
    },
    effectiveSamples: one(space.effectiveSamples),
    qualityHalfLifeMs: one(space.qualityHalfLifeDays) * DAY_MS,
  }
}

function policyOf(
  name: string,
  { exploration, gammaScale, epsilon }: { exploration: number; gammaScale: number; epsilon: number },
): PolicySpec {
  switch (name) {
    case 'linucb':
      return { name, alpha: exploration }
    case 'squarecb':
      return { name, gammaScale }
    case 'softmax':
      return { name, temperature: exploration / 10 }
    case 'epsilon-greedy':
      return { name, epsilon }
    default:
      return { name: 'thompson', exploration }
  }
}

/** The same features in the corner of a space at which least is done for the sake of learning. */
export function leastExploring(space: SearchSpace, candidate: Candidate): Candidate {
  const policy = { name: 'thompson', exploration: space.exploration.from } as const
  return { ...candidate, policy, floor: Math.min(...space.floor) }
}

/** As things are without a search: what the first trial of every search is, so that it never ends below. */
export function defaultCandidate(policy: PolicySpec, floor: number): Candidate {
  return {
    policy,
    floor,
    textComponents: 0,
    priorScale: { class: 1, structure: 1, text: 1 },
    effectiveSamples: 2_000,
    qualityHalfLifeMs: 14 * DAY_MS,
  }
}

/** What else the features could be, in the order in which that is best decided: text with how far to trust it, then the scales of the others. */
export const FEATURE_MOVES: readonly ((space: SearchSpace, from: Candidate) => readonly Candidate[])[] = [
  ({ effectiveSamples }, from) => effectiveSamples.map((samples) => ({ ...from, effectiveSamples: samples })),
  ({ textComponents, textScale }, from) =>
    [...new Set(textComponents)]
      .filter((components) => components !== 0)
      .flatMap((components) =>
        textScale.map((text) => ({ ...scaled(from, { text }), textComponents: components })),
      ),
  ({ classScale }, from) => classScale.map((scale) => scaled(from, { class: scale })),
  ({ structureScale }, from) => structureScale.map((structure) => scaled(from, { structure })),
  ({ textScale }, from) => (from.textComponents === 0 ? [] : textScale.map((text) => scaled(from, { text }))),
]

function scaled(from: Candidate, scale: PriorScale): Candidate {
  return { ...from, priorScale: { ...from.priorScale, ...scale } }
}
