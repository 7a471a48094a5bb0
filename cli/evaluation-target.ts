/** Whom to judge, as written on a command line. */
import { createHash } from 'node:crypto'
import { InvalidArgumentError } from 'commander'
import { type Arm, type Preferences, policyFileHash, readPolicyFile } from '../engine/index.ts'
import { isTargetTable, parseTarget, readTargetTable, type TargetSpec } from '../eval/index.ts'
import type { StoreFlags } from './configured-store.ts'
import { parseJson, readText } from './policy-file.ts'

export interface TargetFlags extends StoreFlags {
  readonly floor?: number
  readonly explore: boolean
  readonly preferences?: Preferences
}

/** @throws {EvaluationError} for a policy that is none; {ConfigError}; and what reading throws */
export async function targetOf(text: string, flags: TargetFlags): Promise<TargetSpec> {
  const overrides = {
    ...(flags.floor !== undefined && { floor: flags.floor }),
    ...(!flags.explore && { explore: false }),
    ...(flags.preferences !== undefined && { preferences: flags.preferences }),
  }
  if (!text.endsWith('.json')) {
    const spec = parseTarget(text)
    return spec.kind === 'policy' ? { ...spec, ...overrides } : spec
  }
  const content = await readText(text)
  const json = parseJson(text, content)
  if (isTargetTable(json)) {
    const hash = createHash('sha256').update(content).digest('hex')
    return { kind: 'table', table: readTargetTable(json), name: text, hash }
  }
  const file = readPolicyFile(json)
  const arms = await configuredArms(flags)
  return { kind: 'file', file, name: text, hash: policyFileHash(file), ...(arms && { arms }), ...overrides }
}

/** With their prices and priors, where there is a configuration. */
export async function configuredArms({ config, dataDir }: StoreFlags): Promise<readonly Arm[] | undefined> {
  const { findConfigFile, loadRegistry } = await import('../server/config/index.ts')
  const path = config ?? findConfigFile(process.cwd())
  if (path === undefined) return undefined
  const registry = loadRegistry({ path, env: process.env, dataDir })
  return registry && [...registry.arms.values()].map(({ arm }) => arm)
}

/** `usd_per_quality_point=0.001,seconds_per_quality_point=5`, or `within_quality_points=2,then_by=cost+latency`. */
export function preferencesFlag(text: string): Preferences {
  const entries = new Map(text.split(',').map((entry) => entry.split('=', 2) as [string, string | undefined]))
  const taken = new Set<string>()
  const numberAt = (name: string): number | undefined => {
    const value = entries.get(name)
    if (value === undefined) return undefined
    taken.add(name)
    const number = Number(value)
    if (value.trim() === '' || !(number >= 0 && number < Number.POSITIVE_INFINITY)) throw badWishes()
    return number
  }
  const [usd, seconds] = [numberAt('usd_per_quality_point'), numberAt('seconds_per_quality_point')]
  const within = numberAt('within_quality_points')
  const thenBy = entries.get('then_by')?.split('+')
  if (thenBy !== undefined) taken.add('then_by')
  if (taken.size !== entries.size || (within === undefined) !== (thenBy === undefined)) throw badWishes()
  if (within === undefined || thenBy === undefined) {
    if (usd === 0 || seconds === 0) throw badWishes()
    return {
      kind: 'exchange-rates',
      ...(usd !== undefined && { usdPerQualityPoint: usd }),
      ...(seconds !== undefined && { secondsPerQualityPoint: seconds }),
    }
  }
  const goods = thenBy.filter((good) => good === 'cost' || good === 'latency')
  if (goods.length < thenBy.length || usd !== undefined || seconds !== undefined) throw badWishes()
  return { kind: 'lexicographic', withinQualityPoints: within, thenBy: goods }
}

function badWishes(): InvalidArgumentError {
  return new InvalidArgumentError(
    'expected usd_per_quality_point=…,seconds_per_quality_point=… with numbers above 0, or within_quality_points=…,then_by=cost+latency',
  )
}
