/**
 * A class for a request whose caller gave none. What the request carries decides first, and surely; then a classifier of
 * its words. How it was trained and how often it is right: docs/features.md.
 */
import { CLASS_MODEL } from './text/class-model.ts'
import type { RequestFacts } from './types.ts'

const LONG_CONTEXT_TOKENS = 8_000
/** The class of all that is nothing else: small talk, advice, plain questions. */
const GENERAL_CLASS = 'chat'
/** Of eight classes. Below this no class is believed, and the request is taken to be general. */
export const CONFIDENCE_MIN = 0.25

export interface InferredClass {
  /** One of the default classes. */
  readonly requestClass: string
  /**
   * Probability of that class: 1 where the request carries what defines it. For a request taken to be general because
   * nothing else was sure, the probability of `chat`, which may be small.
   */
  readonly confidence: number
}

type Carried = Omit<RequestFacts, 'requestClass' | 'classSource' | 'classConfidence'>

export function inferClass(text: string, facts: Carried): InferredClass {
  const carried = classOfStructure(facts)
  if (carried !== undefined) return { requestClass: carried, confidence: 1 }
  const { classes } = CLASS_MODEL
  const probabilities = CLASS_MODEL.probabilities(text, facts)
  let most = 0
  for (let k = 1; k < probabilities.length; k++) if (probabilities[k]! > probabilities[most]!) most = k
  const best = probabilities[most]! < CONFIDENCE_MIN ? classes.indexOf(GENERAL_CLASS) : most
  return { requestClass: classes[best]!, confidence: probabilities[best]! }
}

/** Images, tools, a schema and sheer length say more of what is needed than any word. */
function classOfStructure({ imageCount, toolCount, promptTokens, wantsSchema }: Carried): string | undefined {
  if (imageCount > 0) return 'vision'
  if (toolCount > 0) return 'tool-use'
  if (promptTokens >= LONG_CONTEXT_TOKENS) return 'long-context'
  return wantsSchema ? 'extraction' : undefined
}

/** Probability of every class that the text alone can tell, for reports and tests. */
export function textClassProbabilities(text: string, facts: Carried): Readonly<Record<string, number>> {
  const probabilities = CLASS_MODEL.probabilities(text, facts)
  return Object.fromEntries(CLASS_MODEL.classes.map((name, k) => [name, probabilities[k]!]))
}
