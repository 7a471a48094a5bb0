/** The policies of a ClickHouse. Each row is written at once and confirmed: somebody waits for the answer, and there are few. */
import type { ClickHouse, Row } from './client.ts'
import { insertConfirmed } from './confirmed-insert.ts'
import type { PolicyStore } from './policy-rows.ts'
import type { RowBinary } from './row-binary.ts'
import {
  EVALUATION_COLUMNS,
  EVALUATION_SELECT,
  POLICY_COLUMNS,
  POLICY_SELECT,
  ROLLOUT_COLUMNS,
  ROLLOUT_SELECT,
  readEvaluationRow,
  readPolicyListing,
  readRolloutRow,
  writeEvaluationRow,
  writePolicyRow,
  writeRolloutRow,
} from './rows/policies.ts'

/** @param read wraps a query: what it throws is a StoreError */
export function createPolicyStore(
  clickhouse: ClickHouse,
  read: <T>(what: string, run: () => Promise<T>) => Promise<T>,
): PolicyStore {
  const insert = (
    table: string,
    columns: readonly string[],
    id: string,
    write: (to: RowBinary) => void,
  ): Promise<void> => insertConfirmed(clickhouse, table, columns, id, write)
  const rowsOf = (
    what: string,
    sql: string,
    params: Readonly<Record<string, unknown>> = {},
  ): Promise<Row[]> => read(what, () => clickhouse.query(sql, params))
  /** Merges have not brought equal keys together yet: the first counts. */
  const policies = (columns: string, where: string): string =>
    `SELECT * FROM (SELECT ${columns} FROM policies ${where} ORDER BY ts LIMIT 1 BY hash) ORDER BY at_ms DESC, hash`

  return {
    savePolicy: async (row) => {
      const known = await rowsOf(
        'a policy',
        'SELECT 1 AS one FROM policies WHERE hash = {hash:String} LIMIT 1',
        {
          hash: row.hash,
        },
      )
      if (known.length > 0) return false
      await insert('policies', POLICY_COLUMNS, row.hash, (to) => writePolicyRow(row, to))
      return true
    },
    readPolicy: async (hash) => {
      const [row] = await rowsOf(
        `policy ${hash}`,
        policies(`${POLICY_SELECT}, text`, 'WHERE hash = {hash:String}'),
        { hash },
      )
      return row && { ...readPolicyListing(row), text: String(row['text']) }
    },
    listPolicies: async () =>
      (await rowsOf('the policies', policies(POLICY_SELECT, ''))).map(readPolicyListing),
    recordEvaluation: (row) =>
      insert('evaluations', EVALUATION_COLUMNS, row.id, (to) => writeEvaluationRow(row, to)),
    readEvaluations: async ({ targetHash = '' } = {}) => {
      const rows = await rowsOf(
        'the evaluations',
        `SELECT ${EVALUATION_SELECT} FROM evaluations WHERE {hash:String} = '' OR target_hash = {hash:String}
         ORDER BY ts DESC, evaluation_id DESC LIMIT 1 BY evaluation_id`,
        { hash: targetHash },
      )
      return rows.map(readEvaluationRow)
    },
    appendRollout: (row) => insert('rollouts', ROLLOUT_COLUMNS, row.id, (to) => writeRolloutRow(row, to)),
    readRollouts: async ({ model } = {}) => {
      const rows = await rowsOf(
        'the rollouts',
        `SELECT ${ROLLOUT_SELECT} FROM rollouts WHERE {all:Bool} OR model = {model:String}
         ORDER BY ts, rollout_id LIMIT 1 BY rollout_id`,
        { all: model === undefined, model: model ?? '' },
      )
      return rows.map(readRolloutRow)
    },
  }
}
