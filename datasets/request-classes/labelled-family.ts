/** A template family of the labelled set: what it asks for, and on which side of the split it stands. */
import type { RequestText } from '../../engine/index.ts'
import { type Family, family, type Slots } from '../crossroads/template.ts'
import { MATERIAL } from './material.ts'

/** What a request has besides its text. */
export type Structure = Pick<RequestText, 'toolCount' | 'imageCount' | 'wantsSchema'> &
  Partial<Pick<RequestText, 'promptTokens'>>

export interface LabelledFamily extends Family {
  /** A held-out family is never trained on: no template of it, and none of its own slots. */
  readonly split: 'train' | 'held-out'
  readonly structure: Structure
}

export interface FamilyOptions {
  readonly slots?: Slots
  readonly structure?: Structure
}

/** Templates may use the slots of {@link MATERIAL}, which every class shares, and their own. */
export function train(
  task: string,
  templates: readonly string[],
  options: FamilyOptions = {},
): LabelledFamily {
  return labelled('train', task, templates, options)
}

export function heldOut(
  task: string,
  templates: readonly string[],
  options: FamilyOptions = {},
): LabelledFamily {
  return labelled('held-out', task, templates, options)
}

function labelled(
  split: LabelledFamily['split'],
  task: string,
  templates: readonly string[],
  { slots = {}, structure = {} }: FamilyOptions,
): LabelledFamily {
  return { ...family(task, templates, { ...MATERIAL, ...slots }), split, structure }
}
