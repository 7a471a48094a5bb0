/** One request on its way through the pipeline. */
import type { ChatRequest, Warning } from '../../adapters/index.ts'
import type { Constraints, Preferences, RequestFacts } from '../../engine/index.ts'
import type { Tenant, VirtualModel } from '../registry.ts'
import type { RegistryView, Rulings } from '../registry-view.ts'
import type { ConversationKeys } from './conversations.ts'

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
  readonly preferences: Preferences
  readonly constraints: Constraints
  readonly explore: boolean
  /** Arms that the tenant or the request rules out. */
  readonly rulings: Rulings
  readonly facts: RequestFacts
  readonly request: ChatRequest
  readonly stream: boolean
  readonly session: string
  /** Undefined where there is nothing to choose. */
  readonly conversation: ConversationKeys | undefined
  readonly metadata: Readonly<Record<string, string>>
  readonly warnings: readonly Warning[]
}
