/** `highwayman erase`: everything about a tenant or a user out of the store. */
import type { Command } from 'commander'
import type { Erasure } from '../adapters/index.ts'
import { DEFAULT_TENANT_NAME } from '../server/config/index.ts'
import { askServer, type ServerFlags, serverOf, serverOptions } from './admin-client.ts'
import { storeOptions, withStore } from './configured-store.ts'
import { action, jsonOption, type Output, print } from './run.ts'

interface EraseFlags extends Output, ServerFlags {
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
  const { decisions, rows } = await eraseWhere(flags, tenant, user)
  if (flags.json) return print({ tenant, user: user ?? null, decisions, rows })
  const lines = Object.entries(rows).map(([table, count]) => `  ${table.padEnd(16)} ${count}`)
  const whom = user === undefined ? `tenant ${tenant}` : `user ${user} of tenant ${tenant}`
  process.stdout.write(`${whom}: ${decisions} decisions erased; rows by table\n${lines.join('\n')}\n`)
}

/** A running server forgets what it has in memory as well. */
async function eraseWhere(flags: EraseFlags, tenant: string, user: string | undefined): Promise<Erasure> {
  const url = await serverOf(flags)
  if (url !== undefined) {
    const reply = await askServer(url, flags.adminKey, 'erase', { tenant, user })
    return (await reply.json()) as Erasure
  }
  const { userHash } = await import('../server/index.ts')
  const hash = user === undefined ? undefined : userHash(tenant, user)
  return await withStore(flags, (store) => store.erase({ tenant, userHash: hash }))
}

export function eraseCommand(command: Command): void {
  serverOptions(storeOptions(command))
    .option('--tenant <name>', `whose rows (default, with --user: ${DEFAULT_TENANT_NAME})`)
    .option('--user <name>', 'only those of this user, as its requests named it')
    .addOption(jsonOption())
    .action(action(erase))
}
