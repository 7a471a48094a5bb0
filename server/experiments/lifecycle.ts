/**
 * What can become of an experiment, as a pure function from one state to the next. States are stored whole, one for each step, so
 * that every replica finds the same, and what was true when can be looked up.
 */
import { type AssignmentPlan, coverageAt } from './assignment.ts'
import type { ExperimentDefinition } from './definition.ts'
import { type Allocation, allocate, reallocate, widthOf } from './ranges.ts'

export const STATUSES = ['draft', 'running', 'paused', 'stopped', 'archived'] as const
export type Status = (typeof STATUSES)[number]

export interface StoppedVariant {
  readonly variant: string
  readonly atMs: number
  readonly reason: string
}

/** A time during which the weights stayed as they were: what the split is checked against. */
export interface Period {
  readonly fromMs: number
  /** In the order of the variants; 0: stopped. */
  readonly weights: readonly number[]
}

export interface Conclusion {
  readonly atMs: number
  readonly kind: 'success' | 'no_winner' | 'harm' | 'expired' | 'stopped'
  readonly winner?: string | undefined
  readonly reason: string
}

export interface ExperimentState {
  readonly definition: ExperimentDefinition
  readonly status: Status
  /** 0, 1, …: each run assigns everyone anew. */
  readonly run: number
  /** Of this run; undefined before it. */
  readonly startedMs?: number | undefined
  readonly allocation: Allocation
  /** Of this run, the current one last. */
  readonly periods: readonly Period[]
  readonly stoppedVariants: readonly StoppedVariant[]
  readonly conclusion?: Conclusion | undefined
}

export type Step =
  | { readonly action: 'changed'; readonly definition: ExperimentDefinition }
  | { readonly action: 'started' | 'paused' | 'resumed' | 'archived' | 'rerun' }
  | { readonly action: 'stopped'; readonly conclusion: Conclusion }
  | { readonly action: 'variant_stopped'; readonly variant: string; readonly reason: string }
  | { readonly action: 'reallocated'; readonly weights: readonly number[] }
  | { readonly action: 'promoted' }
export type StepAction = 'created' | Step['action']

/** The step does not fit the state; the message says what does. */
export class StepRefused extends Error {
  override readonly name = 'StepRefused'
}

const FROM: Readonly<Record<Step['action'], readonly Status[]>> = {
  changed: ['draft', 'running', 'paused'],
  started: ['draft'],
  paused: ['running'],
  resumed: ['paused'],
  stopped: ['running', 'paused'],
  archived: ['draft', 'stopped'],
  rerun: ['stopped', 'archived'],
  variant_stopped: ['running', 'paused'],
  reallocated: ['running'],
  promoted: ['stopped'],
}

export function newExperiment(definition: ExperimentDefinition): ExperimentState {
  const allocation = allocate(definition.variants.map(({ weight }) => weight))
  return { definition, status: 'draft', run: 0, allocation, periods: [], stoppedVariants: [] }
}

/** @throws {StepRefused} */
export function take(state: ExperimentState, step: Step, atMs: number): ExperimentState {
  const { status, definition } = state
  if (!FROM[step.action].includes(status)) {
    const from = FROM[step.action].join(' or ')
    throw new StepRefused(
      `experiment ${definition.key} is ${status}; it has to be ${from} to be ${step.action}`,
    )
  }
  switch (step.action) {
    case 'changed':
      return changed(state, step.definition, atMs)
    case 'started':
      return { ...state, status: 'running', startedMs: atMs, periods: [periodOf(state.allocation, atMs)] }
    case 'paused':
      return { ...state, status: 'paused' }
    case 'resumed':
      return { ...state, status: 'running' }
    case 'stopped':
      return { ...state, status: 'stopped', conclusion: step.conclusion }
    case 'archived':
      return { ...state, status: 'archived' }
    case 'rerun':
      return { ...newExperiment(definition), run: state.run + 1 }
    case 'variant_stopped':
      return variantStopped(state, step.variant, step.reason, atMs)
    case 'reallocated':
      return withAllocation(state, reallocate(state.allocation, step.weights), atMs)
    case 'promoted':
      return state
  }
}

/** Of a running experiment only what keeps its comparison one: who takes part may grow, weights may change, and how long it runs. */
function changed(state: ExperimentState, definition: ExperimentDefinition, atMs: number): ExperimentState {
  if (state.status === 'draft') return { ...newExperiment(definition), run: state.run }
  const before = state.definition
  const { coverage, ramp, maxDays, stopOnSuccess, hypothesis, variants } = definition
  const kept = { ...before, coverage, ramp, maxDays, stopOnSuccess, hypothesis }
  const withWeights = {
    ...kept,
    variants: before.variants.map((variant, index) => ({
      ...variant,
      weight: variants[index]?.weight ?? variant.weight,
    })),
  }
  if (JSON.stringify(withWeights) !== JSON.stringify(definition)) {
    throw new StepRefused(
      `experiment ${before.key} is ${state.status}: only coverage, ramp, weights, maxDays, stopOnSuccess and hypothesis can change; stop it and run it again for the rest`,
    )
  }
  const runningMs = atMs - (state.startedMs ?? atMs)
  if (coverageAt(definition, runningMs) < coverageAt(before, runningMs)) {
    throw new StepRefused(
      `the coverage of experiment ${before.key} can only grow while it runs; pause it to let nobody in`,
    )
  }
  const next = { ...state, definition }
  const weights = definition.variants.map(({ weight }) => weight)
  if (before.variants.every(({ weight }, index) => weight === weights[index])) return next
  if (state.stoppedVariants.length > 0) {
    throw new StepRefused(`a variant of experiment ${before.key} is stopped; its weights stay as they are`)
  }
  return withAllocation(next, reallocate(state.allocation, weights), atMs)
}

/** Its units take part no more, and move to no other variant: there they would bring what they have seen along. */
function variantStopped(state: ExperimentState, key: string, reason: string, atMs: number): ExperimentState {
  const { definition, stoppedVariants, allocation } = state
  const index = definition.variants.findIndex((variant) => variant.key === key)
  if (index < 1)
    throw new StepRefused(`experiment ${definition.key} has no variant "${key}" that can be stopped`)
  if (stoppedVariants.some(({ variant }) => variant === key)) {
    throw new StepRefused(`variant "${key}" of experiment ${definition.key} is stopped already`)
  }
  const next = { ...state, stoppedVariants: [...stoppedVariants, { variant: key, atMs, reason }] }
  return withAllocation(
    next,
    allocation.map((ranges, at) => (at === index ? [] : ranges)),
    atMs,
  )
}

function withAllocation(state: ExperimentState, allocation: Allocation, atMs: number): ExperimentState {
  return { ...state, allocation, periods: [...state.periods, periodOf(allocation, atMs)] }
}

function periodOf(allocation: Allocation, fromMs: number): Period {
  const total = widthOf(allocation.flat())
  return { fromMs, weights: allocation.map((ranges) => widthOf(ranges) / total) }
}

/** The variants that still take units, the control among them. */
export function openVariants({ definition, stoppedVariants }: ExperimentState): readonly string[] {
  const stopped = new Set(stoppedVariants.map(({ variant }) => variant))
  return definition.variants.map(({ key }) => key).filter((key) => !stopped.has(key))
}

/** What assignment goes by. */
export function planOf({ definition, run, allocation }: ExperimentState): AssignmentPlan {
  const { key, coverage, ramp, namespace, holdout, targeting } = definition
  return {
    seed: key,
    hashVersion: 2,
    bucketVersion: run,
    allocation,
    coverage,
    ramp,
    namespace,
    holdout,
    targeting,
  }
}

/** Under what units are hashed for the log: of another run they cannot be told to be the same. */
export function unitSalt({ definition, run }: Pick<ExperimentState, 'definition' | 'run'>): string {
  return `${definition.key}:${run}`
}
