import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { EngineError, type PolicyFile, priorSumsOf, readPolicyFile } from '../../../engine/index.ts'
import { featureSpaceOf } from '../../feature-space.ts'
import type { ColdStartSettings, EmbeddingSettings } from '../../registry.ts'
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
  try {
    const path = resolve(directory, file)
    const policyFile = readPolicyFile(JSON.parse(readFileSync(path, 'utf8')))
    const settings = { path, policyFile: withSamples(policyFile, effectiveSamples) }
    const classes = [...new Set(listed)]
    priorSumsOf(
      policyFile,
      featureSpaceOf({ classes, coldStart: settings, ...(embedding !== undefined && { embedding }) }),
    )
    return settings
  } catch (error) {
    reporter.report(AT, 'value', `${file}: ${whatIsWrong(error)}`)
    return undefined
  }
}

function withSamples(file: PolicyFile, effectiveSamples: number | undefined): PolicyFile {
  if (effectiveSamples === undefined) return file
  return { ...file, hyperparameters: { ...file.hyperparameters, effectiveSamples } }
}

function whatIsWrong(error: unknown): string {
  if (error instanceof EngineError) return error.message
  if (error instanceof SyntaxError) return `is not JSON: ${error.message}`
  const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
  return reason === 'ENOENT'
    ? 'there is no such file; make one with highwayman fit'
    : `cannot be read: ${reason}`
}
