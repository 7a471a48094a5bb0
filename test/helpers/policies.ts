/** Policy files for tests: small, of any feature space, saying of each arm how good it was seen to be. */
import {
  type ArmId,
  createFeatureSpace,
  createPolicyFile,
  createRouter,
  type PolicyFile,
  type PolicySpec,
  qualityObservation,
  type TextProjection,
  writeTextProjection,
} from '../../engine/index.ts'
import { arm, decide, decisionId } from './engine.ts'

export interface TestPolicy {
  readonly policy?: PolicySpec
  /** Of each arm, what it was seen to be worth. */
  readonly quality?: Readonly<Record<string, number>>
  readonly classes?: readonly string[]
  readonly text?: TextProjection
  readonly floor?: number
  /** Tells two files apart that are alike otherwise. */
  readonly source?: string
}

export function policyFile(options: TestPolicy = {}): PolicyFile {
  const { quality = {}, classes = ['chat', 'code', 'math', 'other'], text } = options
  const router = createRouter({
    arms: Object.keys(quality).map((id) => arm(id)),
    featureSpace: createFeatureSpace({ classes, ...(text !== undefined && { text }) }),
  })
  for (const [id, value] of Object.entries(quality)) {
    const decision = decide(router)
    for (let i = 0; i < 200; i++) {
      router.learn([qualityObservation({ ...decision, id: decisionId(i) }, id as ArmId, value, 1_000)])
    }
  }
  return createPolicyFile(router, {
    policy: options.policy ?? { name: 'epsilon-greedy', epsilon: 0.1 },
    hyperparameters: { floor: options.floor ?? 0, effectiveSamples: 100, halfLifeMs: {} },
    ...(text !== undefined && { text: writeTextProjection(text) }),
    provenance: { createdMs: 0, source: options.source ?? 'test', split: 'train', rows: 200 },
  })
}
