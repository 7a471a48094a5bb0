/** Small arms, facts and routers for tests of the engine. */
import {
  type Arm,
  type ArmId,
  createFeatureSpace,
  createRouter,
  type DecideRequest,
  type Decision,
  type DecisionId,
  describeRequest,
  type RequestFacts,
  type Router,
} from '../../engine/index.ts'

export const armIds = (...ids: string[]): ArmId[] => ids as ArmId[]
export const decisionId = (n: number): DecisionId =>
  `01890000-0000-7000-8000-${n.toString(16).padStart(12, '0')}` as DecisionId

export function arm(id: string, overrides: Partial<Arm> = {}): Arm {
  return {
    id: id as ArmId,
    provider: id.split('/')[0] ?? id,
    model: id,
    price: { inputUsdPerMtok: 1, outputUsdPerMtok: 2 },
    capabilities: ['streaming', 'tools'],
    prior: { quality: 0.5, ttftMs: 500, tpotMs: 10, outputTokens: 200 },
    ...overrides,
  }
}

export function facts(overrides: Partial<RequestFacts> = {}): RequestFacts {
  const described = describeRequest({
    messages: [{ role: 'user', text: 'What is a harbour?' }],
    promptTokens: 6,
    requestClass: 'chat',
  })
  return { ...described, ...overrides }
}

export function router(arms: readonly Arm[] = [arm('p/a'), arm('p/b'), arm('p/c')]): Router {
  return createRouter({ arms, featureSpace: createFeatureSpace({ classes: ['chat', 'code', 'math'] }) })
}

export function decide(target: Router, overrides: Partial<DecideRequest> = {}): Decision {
  const result = target.decide({
    id: decisionId(1),
    atMs: 1_000,
    facts: facts(),
    candidates: [...target.arms.keys()],
    policy: { name: 'thompson' },
    preferences: { kind: 'exchange-rates' },
    ...overrides,
  })
  if (result.kind !== 'decided') throw new Error(`no eligible arm: ${JSON.stringify(result.exclusions)}`)
  return result.decision
}

/** Mulberry32: a small seeded generator of uniforms in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Standard normal by Box–Muller over a seeded uniform. */
export function gaussian(uniform: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}

export function assertClose(actual: number, expected: number, tolerance: number, what = ''): void {
  const allowed = tolerance * Math.max(1, Math.abs(expected))
  if (!(Math.abs(actual - expected) <= allowed)) {
    throw new Error(`${what} expected ${expected} ± ${allowed}, got ${actual}`)
  }
}
