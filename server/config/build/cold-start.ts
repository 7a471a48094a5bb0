import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { EngineError, type PolicyFile, priorSumsOf, readPolicyFile } from '../../../engine/index.ts'
import { featureSpaceOf } from '../../feature-space.ts'
import type { ColdStartSettings, EmbeddingSettings } from '../../registry.ts'
import { DEFAULTS } from '../defaults.ts'
import type { Config } from '../schema.ts'
import type { Scope } from './scope.ts'

const AT = ['coldStart', 'file']

/** Reads and checks the policy file that the configuration names; undefined for none, or after a problem was reported. */
export function buildColdStart(
  { coldStart, classes: listed }: Config,
  embedding: EmbeddingSettings | undefined,
  directory: string,
  { reporter }: Scope,
): ColdStartSettings | undefined {
  const { file, effectiveSamples } = coldStart
  if (file === undefined) {
    if (effectiveSamples !== undefined) {
      reporter.report(['coldStart', 'effectiveSamples'], 'key', 'needs file: there is nothing to weigh')
    }
    return undefined
  }
  const classes = [...new Set(listed)]
  let policyFile: PolicyFile | undefined
  try {
    const path = resolve(directory, file)
    policyFile = readPolicyFile(JSON.parse(readFileSync(path, 'utf8')))
    const settings = { path, policyFile: withSamples(policyFile, effectiveSamples) }
    priorSumsOf(
      policyFile,
      featureSpaceOf({ classes, coldStart: settings, ...(embedding !== undefined && { embedding }) }),
    )
    return settings
  } catch (error) {
    // Over the same classes, what differs is how text is told, which no command makes alike.
    const isRepairable = policyFile === undefined || policyFile.featureSpace.classes.join() !== classes.join()
    const repair = isRepairable ? howToMake(file, classes) : undefined
    reporter.report(AT, 'value', `${file}: ${whatIsWrong(error, repair)}`)
    return undefined
  }
}

function withSamples(file: PolicyFile, effectiveSamples: number | undefined): PolicyFile {
  if (effectiveSamples === undefined) return file
  return { ...file, hyperparameters: { ...file.hyperparameters, effectiveSamples } }
}

/** Outright: a configuration that does not hold cannot be asked for its classes. */
function howToMake(file: string, classes: readonly string[]): string {
  const which = classes.join() === DEFAULTS.classes.join() ? 'default' : `'${classes.join()}'`
  return `highwayman fit --dataset <name> --classes ${which} --out ${file}`
}

function whatIsWrong(error: unknown, repair: string | undefined): string {
  if (error instanceof EngineError) {
    const isOfOthers = error.code === 'engine_snapshot_mismatch' && repair !== undefined
    return isOfOthers ? `${error.message}: ${repair}` : error.message
  }
  if (error instanceof SyntaxError) return `is not JSON: ${error.message}`
  const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
  return reason === 'ENOENT' ? `there is no such file; make one with ${repair}` : `cannot be read: ${reason}`
}
