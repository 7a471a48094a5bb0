/** Citations of a text block → OpenAI's annotations. */
import { asString, type Wire } from '../wire.ts'

/**
 * Fields for a message or delta. Web pages become `annotations`; places in documents, for which OpenAI has no shape, stay as
 * they came under `citations`.
 * @param start @param end of the block in the answer's text, in UTF-16 units; the end is exclusive.
 */
export function citationFields(citations: readonly Wire[], start: number, end: number): Wire {
  const pages = citations.filter(({ url }) => typeof url === 'string')
  const places = citations.filter(({ url }) => typeof url !== 'string')
  return {
    ...(pages.length > 0 && {
      annotations: pages.map((page) => ({
        type: 'url_citation',
        url_citation: {
          url: page['url'],
          title: asString(page['title']) ?? '',
          start_index: start,
          end_index: end,
        },
      })),
    }),
    ...(places.length > 0 && { citations: places }),
  }
}
