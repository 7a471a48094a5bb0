/** Reads one file to its end and prints how long that took and what it took at most; a process of its own, run by `datasets.ts`. */
import { openDataset, readBanditFile } from '../../datasets/index.ts'
import { readLines } from '../../datasets/read/lines.ts'

const [how, path = ''] = process.argv.slice(2)

async function* plain(): AsyncGenerator<unknown> {
  for await (const { text } of readLines(path, 1 << 24)) yield JSON.parse(text)
}
async function* outcomes(): AsyncGenerator<unknown> {
  yield* (await openDataset(path)).rows()
}

const records = how === 'lines' ? plain() : how === 'log' ? readBanditFile(path) : outcomes()
const start = performance.now()
let rows = 0
for await (const _ of records) rows += 1
const ms = performance.now() - start
process.stdout.write(JSON.stringify({ rows, ms, peakBytes: process.resourceUsage().maxRSS * 1024 }))
