/** `highwayman datasets fetch`. */
import { join } from 'node:path'
import { DatasetError, FETCH_LOCK, fetchDataset, MANIFEST, readManifest } from '../../datasets/index.ts'
import { type Output, print } from '../run.ts'
import { table } from './shared.ts'

interface FetchFlags extends Output {
  readonly name: string
  readonly to?: string
  readonly manifest?: string
}

export async function listPublished(flags: Output & { readonly manifest?: string }): Promise<void> {
  const sets = await readManifest(flags.manifest ?? MANIFEST)
  if (flags.json) return print({ sets: Object.fromEntries(sets) })
  const rows = [...sets].map(([name, { files, licence, what }]) => [
    name,
    String(files.length),
    licence,
    what,
  ])
  process.stdout.write(table(['name', 'files', 'licence', 'what'], rows, [1]))
}

export async function fetchSet(flags: FetchFlags): Promise<void> {
  const sets = await readManifest(flags.manifest ?? MANIFEST)
  const set = sets.get(flags.name)
  if (set === undefined) {
    const names = [...sets.keys()].join(', ')
    throw new DatasetError('dataset_not_found', `${flags.name}: not in the manifest, which has ${names}`)
  }
  const to = flags.to ?? join('datasets', flags.name)
  const say = (line: string): void => void (flags.json || process.stdout.write(`${line}\n`))
  say(`${flags.name}: ${set.what}\nsource: ${set.source}\nlicence: ${set.licence}`)
  const files = await fetchDataset(set, to, {
    onFile({ path, bytes, sha256, checked, fetched }) {
      const against = {
        manifest: 'as the manifest states',
        lock: `as ${FETCH_LOCK} holds`,
        first: `seen for the first time; fixed in ${FETCH_LOCK}`,
      }[checked]
      say(`  ${join(to, path)}  ${bytes} bytes  sha256 ${sha256}  ${against}${fetched ? '' : ', was there'}`)
    },
  })
  const next = set.next_step
  if (flags.json) print({ name: flags.name, to, licence: set.licence, next: next ?? null, files })
  else if (next !== undefined) say(`next: ${next}`)
}
