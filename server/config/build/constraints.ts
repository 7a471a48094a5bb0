import type { ArmId, Constraints } from '../../../engine/index.ts'
import { didYouMean } from '../nearest.ts'
import type { ConstraintSettings } from '../schema.ts'
import type { Path } from '../yaml.ts'
import { compact, type Scope } from './scope.ts'

/** Reports a floor that is measured by an arm nobody declares. */
export function buildConstraints(
  settings: ConstraintSettings,
  path: Path,
  { reporter, names }: Scope,
): Constraints {
  const { qualityFloor, ...limits } = settings
  if (qualityFloor === undefined) return compact(limits)
  const { arm, ...terms } = qualityFloor
  if (!names.arms.has(arm)) {
    reporter.report(
      [...path, 'qualityFloor', 'arm'],
      'value',
      `unknown arm "${arm}"${didYouMean(arm, names.arms)}`,
    )
  }
  return { ...compact(limits), qualityFloors: [{ arm: arm as ArmId, ...compact(terms) }] }
}
