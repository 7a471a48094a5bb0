/** The accounts behind `conservative`: one for each virtual model that asks for it, from the start of the process. */
import { ConservativeAccount, type ConservativeTerms } from '../../engine/index.ts'
import type { VirtualModel } from '../registry.ts'

export class Accounts {
  readonly #byModel = new Map<
    string,
    { readonly terms: ConservativeTerms; readonly account: ConservativeAccount }
  >()

  /** Terms that were changed by a reload begin a new account. */
  of({ name, conservative: terms }: VirtualModel): ConservativeAccount | undefined {
    if (terms === undefined) return undefined
    const known = this.#byModel.get(name)
    if (known !== undefined && isSame(known.terms, terms)) return known.account
    const account = new ConservativeAccount(terms)
    this.#byModel.set(name, { terms, account })
    return account
  }
}

function isSame(a: ConservativeTerms, b: ConservativeTerms): boolean {
  return a.baseline === b.baseline && a.alpha === b.alpha && a.confidence === b.confidence
}
