/** Text files, gzipped where their names say so. */
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { writeWhole } from './whole.ts'

/** One JSON value on each line; how many rows. @throws what `rows` and writing throw; a file that was there is then as it was */
export async function writeJsonLines<T>(
  rows: AsyncIterable<T>,
  path: string,
  encode: (row: T) => unknown,
): Promise<number> {
  async function* lines(): AsyncGenerator<string> {
    for await (const row of rows) yield `${JSON.stringify(encode(row))}\n`
  }
  return await writeTexts(lines(), path)
}

/** The same of texts that bring their line feeds along; how many texts. */
export async function writeTexts(texts: AsyncIterable<string>, path: string): Promise<number> {
  let count = 0
  async function* counted(): AsyncGenerator<string> {
    for await (const text of texts) {
      count += 1
      yield text
    }
  }
  await writeWhole(path, async (part) => {
    const file = createWriteStream(part)
    if (path.endsWith('.gz')) await pipeline(Readable.from(counted()), createGzip(), file)
    else await pipeline(Readable.from(counted()), file)
  })
  return count
}
