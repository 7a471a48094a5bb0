/**
 * Where the server listens that has a data directory open. Only one process can have it open, so whoever finds it taken asks there
 * instead; what is written is an address, and stands beside the data it is about.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = 'highwayman.url'
const ANSWER_MS_MAX = 2_000

/** @param replica names the server to whoever asks it @returns takes it back */
export function announceServer(dataDir: string, url: string, replica: string): () => void {
  const file = join(dataDir, FILE)
  writeFileSync(file, `${url} ${replica}\n`)
  return () => rmSync(file, { force: true })
}

/** The address of the server that has it open; undefined: none does. */
export async function findServer(dataDir: string): Promise<string | undefined> {
  let text: string
  try {
    text = readFileSync(join(dataDir, FILE), 'utf8').trim()
  } catch {
    return undefined
  }
  const [url = '', replica] = text.split(' ')
  // One that was killed has left its address behind, and another may listen there by now.
  return replica !== undefined && (await replicaAt(url)) === replica ? url : undefined
}

async function replicaAt(url: string): Promise<unknown> {
  try {
    const answer = await fetch(new URL('/readyz', url), { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    const body: unknown = await answer.json()
    return typeof body === 'object' && body !== null && 'replica' in body ? body.replica : undefined
  } catch {
    return undefined
  }
}
