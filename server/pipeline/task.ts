/** One request on its way through the pipeline. */
import type { ChatRequest, Warning } from '../../adapters/index.ts'
import type { Constraints, FeatureSpace, Preferences, RequestFacts } from '../../engine/index.ts'
import type { Assigned } from '../policies/slot.ts'
import type { Tenant, VirtualModel } from '../registry.ts'
import type { RegistryView, Rulings } from '../registry-view.ts'
import type { ConversationKeys } from './conversations.ts'

/** A request as one feature space has it described. */
export interface SpaceFacts {
  readonly space: FeatureSpace
  readonly facts: RequestFacts
}

/** Everything that stays the same however many arms are tried. */
export interface Task {
  readonly requestId: string
  /** `judge`: the gateway itself, which has an answer judged. */
  readonly surface: 'chat' | 'route' | 'judge'
  readonly tenant: Tenant
  readonly view: RegistryView
  /** What the caller asked for, in the caller's words. */
  readonly requestedModel: string
  readonly model: VirtualModel
  /** The policy that decides, at every try. */
  readonly assigned: Assigned
  readonly preferences: Preferences
  readonly constraints: Constraints
  readonly explore: boolean
  /** Arms that the tenant or the request rules out. */
  readonly rulings: Rulings
  /** In the feature space of the policy that decides. */
  readonly facts: RequestFacts
  /** For the other feature spaces, which learn along. */
  readonly alsoFacts: readonly SpaceFacts[]
  readonly request: ChatRequest
  readonly stream: boolean
  readonly session: string
  /** Empty: the caller named no user. */
  readonly userHash: string
  /** Undefined where there is nothing to choose. */
  readonly conversation: ConversationKeys | undefined
  readonly metadata: Readonly<Record<string, string>>
  readonly warnings: readonly Warning[]
}
