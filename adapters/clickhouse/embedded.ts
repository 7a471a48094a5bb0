/**
 * ClickHouse inside this process: chDB behind the official client. Its calls run on libuv's pool, not on the calling thread:
 * during an insert of 5,000 rows the longest delay of the event loop was 1 to 5 ms, so there is no worker thread here.
 */
import { type ClickHouseClientConfigOptions, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { type Batch, type ClickHouse, INSERT_SETTINGS, queryRows, reasonOf } from './client.ts'
import { claimDataDir, type DataDir, inUse, processExists } from './data-dir.ts'
import { StoreError } from './store.ts'

type Connection = ReturnType<typeof import('chdb/connection')['createChdbConnection']>

export interface EmbeddedClickHouse extends ClickHouse {
  /** The last process that had this directory open did not close it. */
  readonly recovering: boolean
}

/**
 * Opens, or makes, the database in a directory. Takes tenths of a second, in which the thread is blocked.
 * @throws {StoreError} `store_engine_missing`, `store_bad_location`, `store_unavailable`
 */
export async function openEmbedded(directory: string): Promise<EmbeddedClickHouse> {
  const createConnection = await loadEngine()
  const dataDir = claimDataDir(directory)
  const connection = connect(dataDir, createConnection)
  const client = createClient({
    connection: asClientConnection(connection),
    log: { level: ClickHouseLogLevel.OFF },
  })
  try {
    dataDir.own()
  } catch (error) {
    await client.close()
    dataDir.release(false)
    throw error
  }

  return {
    kind: 'embedded',
    location: dataDir.path,
    recovering: dataDir.ownerPid !== undefined,
    // Not `client.insert`: it would join the rows and the statement in one string, and leave the token set for the session.
    insert: async ({ table, columns, body, token }: Batch) => {
      await connection.chdb.rawInsert({
        table,
        columns: [...columns],
        values: body,
        format: 'JSONCompactEachRow',
        settings: { ...INSERT_SETTINGS, insert_deduplication_token: token },
      })
    },
    query: (sql, params) => queryRows(client, sql, params),
    command: async (sql) => {
      await client.command({ query: sql })
    },
    close: async (clean) => {
      await client.close()
      dataDir.release(clean)
    },
  }
}

/** chDB implements the client's contract as an older copy of its types states it; under exact optional types they differ. */
function asClientConnection(
  connection: Connection,
): NonNullable<ClickHouseClientConfigOptions['connection']> {
  return connection as unknown as NonNullable<ClickHouseClientConfigOptions['connection']>
}

async function loadEngine(): Promise<(options: { path: string }) => Connection> {
  try {
    return (await import('chdb/connection')).createChdbConnection
  } catch (error) {
    throw new StoreError(
      'store_engine_missing',
      `the embedded ClickHouse (npm package chdb) cannot be loaded: ${reasonOf(error)}; run \`npm install chdb\`, or ` +
        'set store.url to a ClickHouse server',
      { cause: error },
    )
  }
}

function connect(dataDir: DataDir, createConnection: (options: { path: string }) => Connection): Connection {
  try {
    return createConnection({ path: dataDir.enginePath })
  } catch (error) {
    dataDir.release(false)
    const { path, ownerPid } = dataDir
    if (ownerPid !== undefined && ownerPid !== process.pid && processExists(ownerPid))
      throw inUse(path, ownerPid, error)
    throw new StoreError(
      'store_unavailable',
      `the embedded ClickHouse could not open ${path} (${reasonOf(error)}); stop any other process that has it open, see ` +
        'that it is writable, or name another directory (--data-dir, store.dataDir)',
      { cause: error },
    )
  }
}
