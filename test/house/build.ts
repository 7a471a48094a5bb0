/**
 * `npm run build`: the package that is published. Node strips no types below node_modules, so dist/ holds what `tsc` makes
 * of the sources and, at the same places, every other file that the program reads at run time (SQL, JSON, data).
 */
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from './tree.ts'

const PUBLISHED_FOLDERS = ['engine', 'adapters', 'server', 'eval', 'datasets']
const NOT_READ_AT_RUN_TIME = /\.(ts|md)$/

const dist = join(repositoryRoot, 'dist')
rmSync(dist, { recursive: true, force: true })

const tsc = join(repositoryRoot, 'node_modules', 'typescript', 'bin', 'tsc')
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
  cwd: repositoryRoot,
  stdio: 'inherit',
})
if (status !== 0) process.exit(status ?? 1)

for (const folder of PUBLISHED_FOLDERS) {
  cpSync(join(repositoryRoot, folder), join(dist, folder), {
    recursive: true,
    filter: (path) => !NOT_READ_AT_RUN_TIME.test(path),
  })
}
