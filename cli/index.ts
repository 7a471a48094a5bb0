/** The commands that have files of their own, and what all commands share. */
import type { Command } from 'commander'
import { datasetsCommand } from './datasets.ts'
import { eraseCommand } from './erase.ts'
import { evaluateCommand } from './evaluate.ts'
import { experimentCommand } from './experiment.ts'
import { fitCommand } from './fit.ts'
import { logCommand } from './log.ts'
import { policiesCommand } from './policies.ts'
import { promoteCommands } from './promote.ts'
import { replayCommand } from './replay.ts'
import { simulateCommand } from './simulate.ts'
import { tuneCommand } from './tune.ts'

export { number, whole } from './flags.ts'
export { action, EXIT, jsonOption, messageOf, type Output, print } from './run.ts'
export { announceServer, findServer } from './running-server.ts'
export { handleSignals, type StopSignal } from './signals.ts'
export { DEFAULT_DATASET } from './simulate.ts'
export { stepLine } from './stopping.ts'

export function addCommands(program: Command): void {
  simulateCommand(program)
  replayCommand(program)
  evaluateCommand(program)
  fitCommand(program)
  tuneCommand(program)
  logCommand(program)
  eraseCommand(program)
  experimentCommand(program)
  datasetsCommand(program)
  promoteCommands(program)
  policiesCommand(program)
}
