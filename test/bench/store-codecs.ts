/** What other codecs would make of the largest column, the estimates: bytes and insert time as ratios to the one in use. */
import type { ClickHouseStore } from '../../adapters/clickhouse/open-store.ts'
import { type BenchResult, median } from './report.ts'

const IN_USE = 'ZSTD(1)'
const CODECS = [IN_USE, 'LZ4', 'ZSTD(9)', 'Gorilla, ZSTD(1)', 'DoubleDelta, ZSTD(1)', 'FPC(16), ZSTD(1)']
const ROUNDS = 3

export async function benchCodecs(store: ClickHouseStore, decisions: number): Promise<BenchResult[]> {
  const measured: { readonly codec: string; readonly bytes: number; readonly ms: number }[] = []
  for (const codec of CODECS) {
    const times: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      await store.queryRows('DROP TABLE IF EXISTS codec_trial')
      await store.queryRows(
        `CREATE TABLE codec_trial (v Array(Float64) CODEC(${codec})) ENGINE = MergeTree ORDER BY tuple()`,
      )
      const start = performance.now()
      await store.queryRows(
        'INSERT INTO codec_trial SELECT estimates FROM decisions SETTINGS max_threads = 1',
      )
      times.push(performance.now() - start)
    }
    await store.queryRows('OPTIMIZE TABLE codec_trial FINAL')
    const [size] = await store.queryRows(
      "SELECT sum(data_compressed_bytes) AS bytes FROM system.parts WHERE active AND table = 'codec_trial'",
    )
    measured.push({ codec, bytes: Number(size?.['bytes']), ms: median(times) })
  }
  await store.queryRows('DROP TABLE codec_trial')
  const base = measured.find(({ codec }) => codec === IN_USE)
  return measured.map(({ codec, bytes, ms }) => ({
    name: `codec of estimates, ${codec}`,
    value: bytes / decisions,
    unit: 'bytes per decision',
    ratios: { [`bytes of ${IN_USE}`]: bytes / (base?.bytes ?? 1), 'its insert time': ms / (base?.ms ?? 1) },
    method: `${decisions} decisions of 6 arms, one thread, median of ${ROUNDS}`,
  }))
}
