/**
 * A process that writes to an embedded store until it is killed: the child of the crash test. Each line on stdout is the id
 * of a decision that was flushed or whose reward was acknowledged, in the order in which that happened.
 */
import { openStore } from '../../adapters/index.ts'
import { callObservations, decisionId, decisionRow, observation, rewardRow } from './store-rows.ts'

const [dataDir = '', round = ''] = process.argv.slice(2)
const store = await openStore({
  kind: 'embedded',
  dataDir,
  replica: `round-${round}`,
  writer: { flushEveryMs: 20 },
})
process.stdout.write('open\n')

for (let n = 0; ; n += 1) {
  const atMs = Date.now()
  const x = Float64Array.from({ length: 25 }, (_, i) => (i === 0 ? 1 : Math.sin(n * i)))
  const ids = Array.from({ length: 20 }, () => decisionId(atMs))
  for (const id of ids) {
    store.appendDecision(decisionRow({ requestId: id }, { id, atMs, x }))
    store.appendObservations(callObservations(id, atMs, x))
  }
  if (n % 2 === 0) {
    await store.flush()
    process.stdout.write(ids.map((id) => `flushed ${id}\n`).join(''))
  } else {
    const [id = decisionId(atMs)] = ids
    await store.writeReward(rewardRow({ decisionId: id, atMs }), [observation({ decisionId: id, atMs, x })])
    process.stdout.write(`rewarded ${id}\n`)
  }
}
