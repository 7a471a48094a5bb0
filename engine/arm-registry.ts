/** The arms that there are, checked once on their way in. */
import { EngineError } from './errors.ts'
import type { Arm, ArmId, ArmPrior } from './types.ts'

export function samePrior(a: ArmPrior, b: ArmPrior): boolean {
  return (
    a.quality === b.quality &&
    a.ttftMs === b.ttftMs &&
    a.tpotMs === b.tpotMs &&
    a.outputTokens === b.outputTokens
  )
}

/** @throws {EngineError} `engine_bad_arm` naming the arm, the field, the value and the range */
export function indexArms(arms: readonly Arm[]): ReadonlyMap<ArmId, Arm> {
  const index = new Map<ArmId, Arm>()
  for (const arm of arms) {
    if (index.has(arm.id)) throw new EngineError('engine_bad_arm', `arm ${arm.id} is registered twice`)
    validateArm(arm)
    index.set(arm.id, arm)
  }
  return index
}

/** @throws {EngineError} `engine_unknown_arm` */
export function knownArm(arms: ReadonlyMap<ArmId, Arm>, id: ArmId): Arm {
  const arm = arms.get(id)
  if (arm === undefined) {
    throw new EngineError('engine_unknown_arm', `${id} is not among the arms: ${[...arms.keys()].join(', ')}`)
  }
  return arm
}

function validateArm({ id, price, prior, priorFrom }: Arm): void {
  if (priorFrom === id) throw new EngineError('engine_bad_arm', `arm ${id}: priorFrom must be another arm`)
  const check = (field: string, value: number, ok: boolean, range: string): void => {
    if (!ok) throw new EngineError('engine_bad_arm', `arm ${id}: ${field} must be ${range}, got ${value}`)
  }
  const finite = Number.isFinite
  check('prior.quality', prior.quality, prior.quality >= 0 && prior.quality <= 1, 'in [0, 1]')
  for (const field of ['ttftMs', 'tpotMs', 'outputTokens'] as const) {
    check(`prior.${field}`, prior[field], finite(prior[field]) && prior[field] > 0, 'a finite number above 0')
  }
  for (const field of ['inputUsdPerMtok', 'outputUsdPerMtok'] as const) {
    check(
      `price.${field}`,
      price[field],
      finite(price[field]) && price[field] >= 0,
      'a finite number of at least 0',
    )
  }
}
