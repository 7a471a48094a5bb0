/** A text as the sparse vector that the text block projects: words only, sublinear counts. */
import { eachWord, type HashedBag } from './ngrams.ts'

/** UTF-16 units looked at. More told nothing more about which arm is best on any of the data sets tried. */
export const TEXT_SCAN_CHARS = 4_000

/** Fills the empty `bag` with the words of the text's first {@link TEXT_SCAN_CHARS}. */
export function addWords(bag: HashedBag, text: string): void {
  eachWord(text.length > TEXT_SCAN_CHARS ? text.slice(0, TEXT_SCAN_CHARS) : text, (word) => bag.add(word))
}
