/** A running gateway for tests: a registry by hand, a store in memory, real sockets on both sides. */
import { createHash, randomBytes } from 'node:crypto'
import { PassThrough } from 'node:stream'
import type { Deadlines, Store } from '../../adapters/index.ts'
import type { Arm, ArmId, PolicySpec } from '../../engine/index.ts'
import {
  createIds,
  type EmbeddingSettings,
  type Registry,
  type RunningServer,
  type ServerSettings,
  startServer,
  type Tenant,
  type VirtualModel,
} from '../../server/index.ts'
import { MemoryStore } from './memory-store.ts'

export interface TestArm extends Partial<Omit<Arm, 'id'>> {
  readonly id: string
  /** Where its provider listens: `http://127.0.0.1:<port>`. */
  readonly url: string
  readonly apiKey?: string
  readonly deadlines?: Partial<Deadlines>
}

export interface TestRegistry {
  readonly arms: readonly TestArm[]
  /** Of the model `auto`, over all arms. @default priority in the order of the arms */
  readonly policy?: PolicySpec
  readonly auto?: Partial<VirtualModel>
  readonly models?: readonly VirtualModel[]
  readonly aliases?: Readonly<Record<string, string>>
  readonly tenants?: readonly Tenant[]
  readonly embedding?: EmbeddingSettings
  readonly server?: Partial<ServerSettings>
  /** @default an hour: a test merges when it wants to */
  readonly mergeEveryMs?: number
}

export function registryOf(options: TestRegistry): Registry {
  const ids = options.arms.map(({ id }) => id as ArmId)
  const auto: VirtualModel = {
    name: 'auto',
    arms: ids,
    policy: options.policy ?? { name: 'priority', order: ids },
    preferences: { kind: 'weights', quality: 1, cost: 0.2, latency: 0.2 },
    constraints: {},
    floor: 0,
    switchMargin: 0,
    explore: true,
    ...options.auto,
  }
  return {
    source: 'test',
    providers: new Map(
      options.arms.map(({ id, url, apiKey, deadlines }) => [
        id,
        {
          name: id.split('/')[0]!,
          dialect: 'openai-compatible',
          baseUrl: `${url}/v1`,
          apiKey,
          ...(deadlines && { deadlines }),
        },
      ]),
    ),
    arms: new Map(
      options.arms.map(({ id, url: _, apiKey: __, deadlines: ___, ...overrides }) => [
        id as ArmId,
        {
          provider: id,
          upstreamModel: id.split('/')[1]!,
          arm: {
            id: id as ArmId,
            provider: id.split('/')[0]!,
            model: id.split('/')[1]!,
            price: { inputUsdPerMtok: 1_000, outputUsdPerMtok: 10_000 },
            capabilities: ['streaming', 'tools', 'vision', 'json-object', 'json-schema'],
            prior: { quality: 0.5, ttftMs: 100, tpotMs: 10, outputTokens: 100 },
            ...overrides,
          },
        },
      ]),
    ),
    models: new Map([auto, ...(options.models ?? [])].map((model) => [model.name, model])),
    aliases: new Map(Object.entries(options.aliases ?? {})),
    classes: ['chat', 'code', 'math', 'other'],
    ...(options.embedding && { embedding: options.embedding }),
    tenants: new Map((options.tenants ?? []).map((tenant) => [tenant.name, tenant])),
    store: { kind: 'embedded', dataDir: 'unused' },
    replicas: { mergeEveryMs: options.mergeEveryMs ?? 3_600_000 },
    server: {
      host: '127.0.0.1',
      port: 0,
      bodyLimitBytes: 1_000_000,
      maxInFlight: 100,
      maxAttempts: 4,
      drainMs: 5_000,
      ...options.server,
    },
  }
}

export function tenant(name: string, key: string, overrides: Partial<Tenant> = {}): Tenant {
  return {
    name,
    keySha256: [createHash('sha256').update(key).digest('hex')],
    preferences: undefined,
    constraints: {},
    allow: undefined,
    deny: [],
    ...overrides,
  }
}

/** A clock that a test can move. */
export class TestClock {
  #offsetMs = 0
  nowMs(): number {
    return Date.now() + this.#offsetMs
  }
  advance(ms: number): void {
    this.#offsetMs += ms
  }
}

export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly store: MemoryStore
  readonly clock: TestClock
  readonly running: RunningServer
  /** Everything logged so far. */
  readonly logged: () => string
  /** POSTs JSON, or text as it is. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
  get(path: string, headers?: Record<string, string>): Promise<Response>
  /** A chat request to `auto` with one short message. */
  chat(body?: Record<string, unknown>, headers?: Record<string, string>): Promise<Response>
}

export async function startTestServer(
  registry: TestRegistry | Registry,
  options: { readonly store?: Store; readonly logLevel?: string } = {},
): Promise<TestServer> {
  const store = new MemoryStore()
  const clock = new TestClock()
  const log = new PassThrough()
  let logged = ''
  log.on('data', (line) => {
    logged += line
  })
  const running = await startServer({
    registry: registry.arms instanceof Map ? (registry as Registry) : registryOf(registry as TestRegistry),
    store: options.store ?? store,
    clock,
    ids: createIds(clock, randomBytes),
    logger: { level: options.logLevel ?? 'trace', stream: log },
  })
  const { url } = running
  const post: TestServer['post'] = (path, body, headers = {}) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  return {
    url,
    store,
    clock,
    running,
    logged: () => logged,
    post,
    get: (path, headers = {}) => fetch(url + path, { headers }),
    chat: (body = {}, headers = {}) =>
      post(
        '/v1/chat/completions',
        { model: 'auto', messages: [{ role: 'user', content: 'Hello there' }], ...body },
        headers,
      ),
    [Symbol.asyncDispose]: () => running.close(),
  }
}

/**
 * Resolves when `condition` holds; rejects after 30 s: a busy machine may stand still for seconds. For what happens on the other
 * side of a socket.
 */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 30_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited 30 s for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
