/** Where a store can be: what every Store promises is tested in both. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoreLocation } from '../../adapters/index.ts'
import { startTestClickHouse, type TestClickHouse } from './clickhouse-http.ts'

export interface Place {
  readonly kind: 'embedded' | 'remote'
  /** A location with nothing in it. */
  fresh(): Promise<StoreLocation>
  end(): Promise<void>
}

export async function embeddedPlace(): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), 'highwayman-store-'))
  return {
    kind: 'embedded',
    fresh: async () => ({ kind: 'embedded', dataDir: await mkdtemp(join(root, 'data-')) }),
    end: () => rm(root, { recursive: true, force: true }),
  }
}

export async function remotePlace(): Promise<Place> {
  const server: TestClickHouse = await startTestClickHouse('correct horse')
  let databases = 0
  return {
    kind: 'remote',
    fresh: async () => ({
      kind: 'remote',
      url: server.url,
      database: `highwayman_${databases++}`,
      username: 'default',
      password: server.password,
    }),
    end: server.stop,
  }
}
