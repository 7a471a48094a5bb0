/**
 * Where the server listens that has a data directory open. Only one process can have it open, so whoever finds it taken asks there
 * instead; what is written is an address, and stands beside the data it is about.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = 'highwayman.url'
const ANSWER_MS_MAX = 2_000

/** @returns takes it back */
export function announceServer(dataDir: string, url: string): () => void {
  const file = join(dataDir, FILE)
  writeFileSync(file, `${url}\n`)
  return () => rmSync(file, { force: true })
}

/** The address of a server that answers there; undefined: none does. */
export async function findServer(dataDir: string): Promise<string | undefined> {
  let url: string
  try {
    url = readFileSync(join(dataDir, FILE), 'utf8').trim()
  } catch {
    return undefined
  }
  if (!URL.canParse(url)) return undefined
  // One that was killed has left its address behind.
  const answered = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) }).catch(
    () => undefined,
  )
  return answered?.ok === true ? url : undefined
}
