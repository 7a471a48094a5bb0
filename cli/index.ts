/** The commands that have files of their own, and what all commands share. */
import type { Command } from 'commander'
import { eraseCommand } from './erase.ts'
import { logCommand } from './log.ts'

export { action, EXIT, jsonOption, messageOf, type Output, print } from './run.ts'

export function addCommands(program: Command): void {
  logCommand(program)
  eraseCommand(program)
}
