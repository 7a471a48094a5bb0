/**
 * A ClickHouse server for tests: real HTTP on loopback, a real engine behind it in a child process, and faults on command.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What happens to the next `times` requests whose SQL contains `when`. */
export type Fault = { readonly when: string; readonly times: number } & (
  | { readonly kind: 'cut-before' | 'cut-after' | 'hang' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'status'; readonly status: number; readonly body: string }
)

export interface SeenRequest {
  /** Its first 200 characters. */
  readonly sql: string
  readonly token: string
  readonly encoding: string
  readonly fault: string
}

export type Command =
  | { readonly do: 'faults'; readonly faults: readonly Fault[] }
  | { readonly do: 'seen' | 'forget' | 'refuse' }
  | { readonly do: 'listen'; readonly port: number }

export interface TestClickHouse {
  readonly url: string
  readonly password: string
  setFaults(...faults: Fault[]): Promise<void>
  /** The requests since the last `forget`, in order of arrival. */
  seen(): Promise<SeenRequest[]>
  forget(): Promise<void>
  /** Closes the port: connections are refused until `listen`. */
  refuse(): Promise<void>
  listen(): Promise<void>
  stop(): Promise<void>
}

/** The authority that signed the certificate of one with TLS. */
export const TEST_CA_FILE = join(import.meta.dirname, 'tls', 'ca.pem')

export async function startTestClickHouse(
  password = '',
  scheme: 'http' | 'https' = 'http',
): Promise<TestClickHouse> {
  const dataDir = await mkdtemp(join(tmpdir(), 'highwayman-clickhouse-'))
  const child = fork(join(import.meta.dirname, 'clickhouse-http-server.ts'), [dataDir, password, scheme])
  const exited = once(child, 'exit')
  const first = await Promise.race([once(child, 'message'), exited.then(() => undefined)])
  if (first === undefined) throw new Error('the test ClickHouse did not start; its reason is above')
  const { port } = first[0] as { port: number }

  let lastId = 0
  const command = async (command: Command): Promise<unknown> => {
    const id = ++lastId
    child.send({ id, command })
    for (;;) {
      const [message] = (await once(child, 'message')) as [{ id: number; result: unknown }]
      if (message.id === id) return message.result
    }
  }
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    password,
    setFaults: async (...faults) => void (await command({ do: 'faults', faults })),
    seen: async () => (await command({ do: 'seen' })) as SeenRequest[],
    forget: async () => void (await command({ do: 'forget' })),
    refuse: async () => void (await command({ do: 'refuse' })),
    listen: async () => void (await command({ do: 'listen', port })),
    stop: async () => {
      child.disconnect()
      await exited
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
