/** `npm run lock:complete`: fills the gaps of package-lock.json (see lock.ts); run it after every `npm install`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { completeLock } from './lock.ts'
import { repositoryRoot } from './tree.ts'

const path = join(repositoryRoot, 'package-lock.json')
const { lock, filled } = completeLock(JSON.parse(readFileSync(path, 'utf8')))
writeFileSync(path, `${JSON.stringify(lock, undefined, 2)}\n`)
for (const entry of filled) console.log(`added ${entry}`)
console.log(`package-lock.json: ${filled.length === 0 ? 'was complete' : `${filled.length} added`}`)
