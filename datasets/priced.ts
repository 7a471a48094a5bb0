/** Costs that a set does not tell, from the prices that stand beside it. */
import type { ArmOutcome, ModelInfo, PromptRow } from './types.ts'

const TOKENS_PER_PRICE = 1e6

/**
 * The row with a cost for each outcome that tells none, where `models.json` says what its tokens cost, or what a request does. Costs that were
 * recorded are not touched, and an arm without prices stays without.
 */
export function priced(row: PromptRow, models: ReadonlyMap<string, ModelInfo>): PromptRow {
  let outcomes: Map<string, ArmOutcome> | undefined
  for (const [arm, outcome] of row.outcomes) {
    const model = outcome.costUsd === undefined ? models.get(arm) : undefined
    const costUsd = model && costOf(outcome, model)
    if (costUsd === undefined) continue
    outcomes ??= new Map(row.outcomes)
    outcomes.set(arm, { ...outcome, costUsd })
  }
  return outcomes === undefined ? row : { ...row, outcomes }
}

function costOf({ inputTokens, outputTokens }: ArmOutcome, model: ModelInfo): number | undefined {
  if (inputTokens === undefined || outputTokens === undefined) return model.usdPerRequest
  return (inputTokens * model.inputUsdPerMtok + outputTokens * model.outputUsdPerMtok) / TOKENS_PER_PRICE
}
