/** `highwayman erase`: everything about a tenant or a user out of the store. */
import type { Command } from 'commander'
import { DEFAULT_TENANT_NAME, userHash } from '../server/index.ts'
import { type StoreFlags, withStore } from './configured-store.ts'
import { storeOptions } from './log.ts'
import { action, jsonOption, type Output, print } from './run.ts'

interface EraseFlags extends Output, StoreFlags {
  readonly tenant?: string
  readonly user?: string
}

async function erase(flags: EraseFlags): Promise<void> {
  const { user, tenant = user === undefined ? undefined : DEFAULT_TENANT_NAME } = flags
  if (tenant === undefined) {
    throw Object.assign(new Error('nobody to erase; name them with --tenant or --user'), {
      code: 'config_invalid',
    })
  }
  const hash = user === undefined ? undefined : userHash(tenant, user)
  const { decisions, rows } = await withStore(flags, (store) => store.erase({ tenant, userHash: hash }))
  if (flags.json) return print({ tenant, user: user ?? null, decisions, rows })
  const lines = Object.entries(rows).map(([table, count]) => `  ${table.padEnd(16)} ${count}`)
  const whom = user === undefined ? `tenant ${tenant}` : `user ${user} of tenant ${tenant}`
  process.stdout.write(`${whom}: ${decisions} decisions erased; rows by table\n${lines.join('\n')}\n`)
}

export function eraseCommand(program: Command): void {
  storeOptions(program.command('erase'))
    .description('take everything about a tenant or a user out of the store, and what was learned from it')
    .option('--tenant <name>', `whose rows (default, with --user: ${DEFAULT_TENANT_NAME})`)
    .option('--user <name>', 'only those of this user, as its requests named it')
    .addOption(jsonOption())
    .action(action(erase))
}
