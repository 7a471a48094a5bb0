/** The experiments of a ClickHouse: their steps, written at once and confirmed, and the sums of what their variants brought. */
import type { ClickHouse, QueryParams, Row } from './client.ts'
import { insertConfirmed } from './confirmed-insert.ts'
import type { ExperimentStore } from './experiment-rows.ts'
import {
  experimentCells,
  experimentQuantiles,
  experimentShares,
  populationCell,
} from './readers/experiments.ts'
import {
  EXPERIMENT_STEP_COLUMNS,
  EXPERIMENT_STEP_SELECT,
  readExperimentStep,
  writeExperimentStep,
} from './rows/experiments.ts'

/** Of steps with the same number the first counts, the one whose id is the smaller if they are of one millisecond. */
const COUNTING = 'ORDER BY experiment, step, ts, step_id LIMIT 1 BY experiment, step'

/** @param read wraps a query: what it throws is a StoreError */
export function createExperimentStore(
  clickhouse: ClickHouse,
  read: <T>(what: string, run: () => Promise<T>) => Promise<T>,
): Omit<ExperimentStore, 'appendAssignment'> {
  const rowsOf = (what: string, sql: string, params: QueryParams = {}): Promise<Row[]> =>
    read(what, () => clickhouse.query(sql, params))
  return {
    appendExperimentStep: async (row) => {
      await insertConfirmed(clickhouse, 'experiments', EXPERIMENT_STEP_COLUMNS, row.id, (to) =>
        writeExperimentStep(row, to),
      )
      const [counting] = await rowsOf(
        `step ${row.step} of experiment ${row.experiment}`,
        `SELECT ${EXPERIMENT_STEP_SELECT} FROM experiments
         WHERE experiment = {experiment:String} AND step = {step:UInt32} ORDER BY ts, step_id LIMIT 1`,
        { experiment: row.experiment, step: row.step },
      )
      return counting !== undefined && readExperimentStep(counting).id === row.id
    },
    readExperimentSteps: async ({ experiment } = {}) => {
      const rows = await rowsOf(
        'the steps of the experiments',
        `SELECT ${EXPERIMENT_STEP_SELECT} FROM experiments
         WHERE {all:Bool} OR experiment = {experiment:String} ${COUNTING}`,
        { all: experiment === undefined, experiment: experiment ?? '' },
      )
      return rows.map(readExperimentStep)
    },
    readExperiments: async () => {
      const rows = await rowsOf(
        'the experiments',
        `SELECT * FROM (SELECT ${EXPERIMENT_STEP_SELECT} FROM experiments ${COUNTING})
         ORDER BY experiment, step DESC LIMIT 1 BY experiment`,
      )
      return rows.map(readExperimentStep)
    },
    experimentCells: (query) => read('what an experiment brought', () => experimentCells(clickhouse, query)),
    populationCell: (query) => read('what requests brought', () => populationCell(clickhouse, query)),
    experimentQuantiles: (query) =>
      read('the quantiles of an experiment', () => experimentQuantiles(clickhouse, query)),
    experimentShares: (query) =>
      read('the quantiles of an experiment', () => experimentShares(clickhouse, query)),
  }
}
