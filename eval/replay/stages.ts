/** A scenario made ready: for each stretch between its events, which arms there are, at what price, and how good. */
import type { ClassShiftEvent, Scenario, ScenarioEvent } from '../../datasets/index.ts'
import type { Arm } from '../../engine/index.ts'
import { EvaluationError } from '../errors.ts'
import type { OutcomeTable } from '../outcome-table.ts'
import type { ReplayArm } from './arms.ts'

/** What differs from the dataset from `fromStep` on; all arrays are by column. */
export interface Stage {
  readonly fromStep: number
  readonly present: readonly boolean[]
  /** On the dataset's price. */
  readonly priceFactor: readonly number[]
  /** Added to the dataset's quality, which stays within [0, 1]. */
  readonly qualityDelta: readonly number[]
  /** By class, ≥ 0: how much more readily its rows come than those of a class that is not named. */
  readonly classWeights: Readonly<Record<string, number>>
}

/** The dataset as it is. */
export function plainStage(armCount: number): Stage {
  const all = <T>(value: T) => new Array<T>(armCount).fill(value)
  return { fromStep: 0, present: all(true), priceFactor: all(1), qualityDelta: all(0), classWeights: {} }
}

/**
 * The first stage begins at step 0. An arm whose first coming or going is `add` is not there before.
 *
 * @param table its rows are the stream
 * @throws {EvaluationError} `eval_unknown_arm`, `eval_bad_scenario` naming the event
 */
export function stagesOf(
  scenario: Scenario,
  table: Pick<OutcomeTable, 'arms' | 'classes' | 'rowCount'>,
): readonly Stage[] {
  const { arms, classes, rowCount: stepCount } = table
  const events = scenario.events.toSorted((one, other) => one.atStep - other.atStep)
  const present = arms.map((arm) => {
    const first = events.find(
      (event) => (event.kind === 'add' || event.kind === 'remove') && event.arm === arm,
    )
    return first?.kind !== 'add'
  })
  const stages: Stage[] = [{ ...plainStage(arms.length), present }]
  for (const event of events) {
    const column = event.kind === 'classes' ? 0 : arms.indexOf(event.arm)
    if (event.kind === 'classes') checkClasses(scenario, event, classes)
    else if (column < 0) {
      throw new EvaluationError(
        'eval_unknown_arm',
        `${describe(scenario, event)}: no such arm is replayed; the arms are ${arms.join(', ')}`,
      )
    }
    if (event.atStep >= stepCount) {
      throw new EvaluationError(
        'eval_bad_scenario',
        `${describe(scenario, event)}: the stream has ${stepCount} requests, so atStep must be from 0 to ${stepCount - 1}`,
      )
    }
    const before = stages.at(-1)!
    const after = changed(before, event, column)
    if (after === undefined) {
      const state = event.kind === 'add' ? 'is there already' : 'is not there'
      throw new EvaluationError('eval_bad_scenario', `${describe(scenario, event)}: the arm ${state}`)
    }
    if (before.fromStep === event.atStep) stages.pop()
    stages.push(after)
  }
  for (const { fromStep, present } of stages) {
    if (present.includes(true)) continue
    throw new EvaluationError(
      'eval_bad_scenario',
      `scenario ${scenario.name}: no arm is left at step ${fromStep}; add one, or remove one less`,
    )
  }
  return stages
}

/** The outcomes of a stage. Tokens stay as they are: a price changes what they cost, not how many there are. */
export function tableAt(table: OutcomeTable, { priceFactor, qualityDelta }: Stage): OutcomeTable {
  const armCount = table.arms.length
  return {
    ...table,
    quality: table.quality.map((quality, cell) =>
      Math.min(Math.max(quality + qualityDelta[cell % armCount]!, 0), 1),
    ),
    costUsd: table.costUsd.map((costUsd, cell) => costUsd * priceFactor[cell % armCount]!),
  }
}

/** The registry of a stage: the arms that are there, at their prices. */
export function armsAt(arms: readonly ReplayArm[], { present, priceFactor }: Stage): readonly Arm[] {
  return arms.flatMap(({ arm }, column) => {
    if (!present[column]) return []
    const factor = priceFactor[column]!
    const { inputUsdPerMtok, outputUsdPerMtok } = arm.price
    const price = { inputUsdPerMtok: inputUsdPerMtok * factor, outputUsdPerMtok: outputUsdPerMtok * factor }
    return [{ ...arm, price }]
  })
}

/** False where arms or their prices differ; what changes without a word is not in the registry. */
export function sameRegistry(one: Stage, other: Stage): boolean {
  return one.present.every(
    (isPresent, column) =>
      isPresent === other.present[column] && one.priceFactor[column] === other.priceFactor[column],
  )
}

/** In a few words, for reports: `acme/large: price × 0.01`. */
export function eventText(event: ScenarioEvent): string {
  switch (event.kind) {
    case 'price':
      return `${event.arm}: price × ${event.priceFactor}`
    case 'quality':
      return `${event.arm}: quality ${event.qualityDelta < 0 ? '−' : '+'} ${Math.abs(event.qualityDelta)}`
    case 'add':
      return `${event.arm} comes`
    case 'remove':
      return `${event.arm} goes`
    case 'classes':
      return Object.entries(event.classWeights)
        .map(([name, weight]) => `class ${name} × ${weight}`)
        .join(', ')
  }
}

/** Undefined: an arm cannot come twice, nor go when it is not there. */
function changed(before: Stage, event: ScenarioEvent, column: number): Stage | undefined {
  const stage = { ...before, fromStep: event.atStep }
  switch (event.kind) {
    case 'price':
      return { ...stage, priceFactor: before.priceFactor.with(column, event.priceFactor) }
    case 'quality':
      return { ...stage, qualityDelta: before.qualityDelta.with(column, event.qualityDelta) }
    case 'classes':
      return { ...stage, classWeights: event.classWeights }
    default: {
      const comes = event.kind === 'add'
      if (before.present[column] === comes) return undefined
      return { ...stage, present: before.present.with(column, comes) }
    }
  }
}

function checkClasses(scenario: Scenario, event: ClassShiftEvent, classes: readonly string[]): void {
  for (const name of Object.keys(event.classWeights)) {
    if (classes.includes(name)) continue
    throw new EvaluationError(
      'eval_bad_scenario',
      `${describe(scenario, event)}: no row is of class '${name}'; the classes are ${classes.join(', ')}`,
    )
  }
}

function describe({ name }: Scenario, event: ScenarioEvent): string {
  return `scenario ${name}, atStep ${event.atStep}, ${eventText(event)}`
}
