#!/usr/bin/env node
/**
 * The `highwayman` command. Plain JavaScript that an old Node can read, because its first duty is to find a Node that can
 * run the rest: this one, or the npm package `node` installed beside us. It then runs the program: dist/cli.js where the
 * package is installed (Node strips no types below node_modules), cli.ts in a clone.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const needed = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.node.replace('>=', '')
const program = findProgram()

if (program === undefined) {
  fail(
    `neither cli.ts nor dist/cli.js is in ${root}. Repair: install the package again, or run \`npm run build\` in a clone.`,
  )
} else if (isNewEnough(process.version)) {
  process.argv[1] = program
  await import(pathToFileURL(program).href)
} else {
  const node = findNode()
  if (node === undefined) {
    fail(
      `needs Node ${needed} or newer, found ${process.version} (${process.execPath}). ` +
        `Repair: put a newer Node first on PATH, or run \`${isInstalled() ? 'npm install node@24' : 'npm ci'}\` ` +
        `in ${isInstalled() ? 'the folder that has it installed' : root}, which brings one along.`,
    )
  } else runOn(node)
}

/** Sources before build output: in a clone, a dist/ left from an older checkout must not run in their place. */
function findProgram() {
  const candidates = isInstalled() ? ['dist/cli.js'] : ['cli.ts', 'dist/cli.js']
  return candidates.map((file) => join(root, file)).find((file) => existsSync(file))
}

function isInstalled() {
  return root.split(sep).includes('node_modules')
}

/** The executable of the nearest package `node` that is new enough: our own node_modules first, then those above. */
function findNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  for (let folder = root; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', 'node', 'bin', name)
    if (existsSync(candidate) && isNewEnough(versionOf(candidate))) return candidate
    if (folder === dirname(folder)) return undefined
  }
}

function versionOf(executable) {
  return spawnSync(executable, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? ''
}

/** `v24.21.0` against `24.12`; anything unreadable is too old. */
function isNewEnough(version) {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number)
  const [majorNeeded, minorNeeded] = needed.split('.').map(Number)
  return major > majorNeeded || (major === majorNeeded && minor >= minorNeeded)
}

/** Runs the program in a child and behaves as it does: its streams, its signals, its exit. */
function runOn(node) {
  const child = spawn(node, [...process.execArgv, program, ...process.argv.slice(2)], { stdio: 'inherit' })
  const atTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY)
  const relays = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'].map((signal) => {
    // Ctrl-C reaches the whole foreground group by itself. Sent on as well it would arrive twice, and a second SIGINT
    // cuts a drain short.
    const fromKeyboard = atTerminal && (signal === 'SIGINT' || signal === 'SIGQUIT')
    const relay = () => fromKeyboard || child.kill(signal)
    process.on(signal, relay)
    return { signal, relay }
  })
  child.on('error', (error) => fail(`could not start ${node}: ${error.message}`))
  child.on('exit', (code, signal) => {
    for (const { signal: relayed, relay } of relays) process.off(relayed, relay)
    process.exitCode = code ?? 128 + constants.signals[signal]
    if (signal !== null) process.kill(process.pid, signal)
  })
}

function fail(message) {
  process.stderr.write(`highwayman: ${message}\n`)
  process.exitCode = 1
}
