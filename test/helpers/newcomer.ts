/** A new arm beside two that are known: how often it is called until the router has made up its mind. */
import {
  type ArmId,
  createFeatureSpace,
  createRouter,
  type DecisionId,
  observationsFromOutcome,
  qualityObservation,
} from '../../engine/index.ts'
import { arm, facts, seeded } from './engine.ts'

const CLASSES = ['chat', 'code', 'math']
const KNOWN_FOR = 1_000
/** Share of right answers of the arms that are known. */
export const KNOWN_QUALITY = 0.7
export const AFTER = 4_000
/** Of all three arms. */
export const FLOOR = 0.02

export interface Onboarding {
  /** Calls of the new arm in the 4,000 requests after it came, and in the last thousand of them. */
  readonly calls: number
  readonly lastCalls: number
}

/**
 * @param quality share of right answers of the new arm
 * @param registered what its registration says of it
 * @param judgedShare of the answers whose quality is told
 */
export function onboard(quality: number, registered: number, seed: number, judgedShare = 1): Onboarding {
  const prior = { quality: registered, ttftMs: 500, tpotMs: 10, outputTokens: 200 }
  const known = [arm('p/a', { prior }), arm('p/b', { prior })]
  const newcomer = arm('p/new', { prior })
  const truth: Readonly<Record<string, number>> = {
    'p/a': KNOWN_QUALITY,
    'p/b': KNOWN_QUALITY - 0.1,
    'p/new': quality,
  }
  const router = createRouter({ arms: known, featureSpace: createFeatureSpace({ classes: CLASSES }) })
  const uniform = seeded(seed)
  let [calls, lastCalls] = [0, 0]
  for (let step = -KNOWN_FOR; step < AFTER; step++) {
    if (step === 0) router.replaceArms([...known, newcomer])
    const atMs = 1_000 * (step + KNOWN_FOR)
    const serial = (seed * 1e6 + step + KNOWN_FOR).toString(16).padStart(12, '0')
    const result = router.decide({
      id: `01890000-0000-7000-8000-${serial}` as DecisionId,
      atMs,
      facts: facts({ requestClass: CLASSES[Math.floor(3 * uniform())]! }),
      candidates: [...router.arms.keys()],
      policy: { name: 'thompson' },
      preferences: { kind: 'exchange-rates' },
      floor: FLOOR,
    })
    if (result.kind !== 'decided') throw new Error('nothing eligible')
    const { decision } = result
    if (decision.arm === newcomer.id) {
      calls++
      if (step >= AFTER - 1_000) lastCalls++
    }
    const right = uniform() < truth[decision.arm as string]! ? 1 : 0
    const outcome = { arm: decision.arm as ArmId, succeeded: true, outputTokens: 200 }
    router.learn([
      ...(uniform() < judgedShare ? [qualityObservation(decision, decision.arm, right, atMs)] : []),
      ...observationsFromOutcome(decision, outcome, atMs, router.featureSpace.servingDimension),
    ])
  }
  return { calls, lastCalls }
}
