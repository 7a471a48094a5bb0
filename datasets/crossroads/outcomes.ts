/**
 * The simulated world behind the rows. For a prompt of class `c` and family `f` with difficulty `D ~ N(0, 1)`, arm `a`
 * has the ability `z = logit(skill[a][c]) + affinity[a][f] − 0.9·D`. Checked classes give quality 1 with probability
 * `σ(z)`, else 0; graded classes give `σ(z + N(0, 0.6²))`. The answer's length is the class's median times a log-normal
 * factor shared by all arms, the arm's verbosity and an arm's own small factor.
 */
import { type RandomStream, randomStream } from '../random.ts'
import { ARMS, type ArmRecipe } from './arms.ts'
import type { RequestClass } from './requests/index.ts'

const DIFFICULTY_SLOPE = 0.9
const AFFINITY_SD = 0.35
const GRADE_NOISE_SD = 0.6
const SHARED_LENGTH_SD = 0.45
const OWN_LENGTH_SD = 0.15

interface AnswerKind {
  /** Right or wrong, as a unit test or an answer key tells; otherwise a grade. */
  readonly checked: boolean
  readonly medianOutputTokens: number
}
const ANSWER_KINDS: Readonly<Record<RequestClass, AnswerKind>> = {
  chat: { checked: false, medianOutputTokens: 160 },
  code: { checked: true, medianOutputTokens: 380 },
  math: { checked: true, medianOutputTokens: 320 },
  reasoning: { checked: false, medianOutputTokens: 450 },
  extraction: { checked: false, medianOutputTokens: 120 },
  summarization: { checked: false, medianOutputTokens: 150 },
  translation: { checked: false, medianOutputTokens: 110 },
  creative: { checked: false, medianOutputTokens: 420 },
  'tool-use': { checked: true, medianOutputTokens: 90 },
  'long-context': { checked: false, medianOutputTokens: 260 },
}

export interface OutcomeJson {
  readonly quality: number
  readonly cost_usd: number
  readonly input_tokens: number
  readonly output_tokens: number
}

export interface PromptDraft {
  readonly promptId: string
  readonly requestClass: RequestClass
  readonly task: string
  readonly prompt: string
}

/** Every arm's outcome for one prompt; a function of the seed and the prompt's id, class, task and length. */
export function simulateOutcomes(seed: string, draft: PromptDraft): Record<string, OutcomeJson> {
  const shared = randomStream(seed, 'prompt', draft.promptId)
  const difficulty = shared.normal()
  const lengthFactor = Math.exp(SHARED_LENGTH_SD * shared.normal())
  const kind = ANSWER_KINDS[draft.requestClass]
  const bytes = Buffer.byteLength(draft.prompt)
  return Object.fromEntries(
    Object.entries(ARMS).map(([arm, recipe]) => {
      const own = randomStream(seed, 'outcome', draft.promptId, arm)
      const affinity = AFFINITY_SD * randomStream(seed, 'affinity', draft.task, arm).normal()
      const ability = logit(recipe.skill[draft.requestClass]) + affinity - DIFFICULTY_SLOPE * difficulty
      const quality = kind.checked ? check(ability, own) : grade(ability, own)
      const length =
        kind.medianOutputTokens * lengthFactor * recipe.verbosity * Math.exp(OWN_LENGTH_SD * own.normal())
      return [arm, priced(recipe, quality, inputTokens(recipe, bytes), Math.max(1, Math.round(length)))]
    }),
  )
}

function check(ability: number, random: RandomStream): number {
  return random.uniform() < sigmoid(ability) ? 1 : 0
}

function grade(ability: number, random: RandomStream): number {
  return round(sigmoid(ability + GRADE_NOISE_SD * random.normal()), 3)
}

function inputTokens(recipe: ArmRecipe, bytes: number): number {
  const chatTemplateTokens = 8
  return chatTemplateTokens + Math.ceil((bytes / 4) * recipe.tokensPerFourBytes)
}

function priced(recipe: ArmRecipe, quality: number, input: number, output: number): OutcomeJson {
  const microUsd = input * recipe.inputUsdPerMtok + output * recipe.outputUsdPerMtok
  return { quality, cost_usd: round(microUsd / 1e6, 9), input_tokens: input, output_tokens: output }
}

function logit(share: number): number {
  return Math.log(share / (1 - share))
}

function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z))
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
