/**
 * `node test/bench/features.ts [set …]`: what the text block and crosses of classes are worth, by frozen replay (learn on
 * the training rows with full information, judge on the others) on the reference sets. AIQ is the mean height of the
 * cost–quality curve; its interval is a bootstrap over rows, so it tells how much of a difference the set can show at all.
 *
 * Each set is replayed with the classes that it gives, with those that the engine infers when callers give none, and, for
 * comparison, with those that the keyword rules before it would have inferred.
 */
import Table from 'cli-table3'
import { type Dataset, openDataset } from '../../datasets/index.ts'
import {
  createRouter,
  DEFAULT_TEXT_COMPONENTS,
  type FeatureSpace,
  type FeatureSpaceId,
} from '../../engine/index.ts'
import { type ReplayOptions, replay } from '../../eval/index.ts'
import { keywordClass } from '../helpers/keyword-class.ts'
import { sharedPath } from '../helpers/shared.ts'

const SETS = ['mmlu-pro', 'paretobandit', 'routerbench-subset', 'zeroeval', 'alpaca-eval']
const RESAMPLES = 200

type Options = Pick<ReplayOptions, 'textComponents' | 'createRouter'>

const VARIANTS: Readonly<Record<string, Options>> = {
  'class, structure': {},
  '+ text': { textComponents: DEFAULT_TEXT_COMPONENTS },
  '+ text, class × text:1': {
    textComponents: DEFAULT_TEXT_COMPONENTS,
    createRouter: crossing('text:1'),
  },
  '+ class × prompt-tokens': { createRouter: crossing('structure:prompt-tokens') },
}

/** Makes routers whose space has one more coordinate per class: the named one where the request is of that class. */
function crossing(source: string): NonNullable<ReplayOptions['createRouter']> {
  return (options) => createRouter({ ...options, featureSpace: withCrosses(options.featureSpace, source) })
}

function withCrosses(space: FeatureSpace, source: string): FeatureSpace {
  const from = space.names.indexOf(source)
  const dimension = space.dimension + space.classes.length
  return {
    ...space,
    id: `${space.id}-by-${source}` as FeatureSpaceId,
    dimension,
    names: [...space.names, ...space.classes.map((name) => `${source}×class:${name}`)],
    blocks: [...space.blocks, ...space.classes.map(() => 'text' as const)],
    vector(facts) {
      const x = new Float64Array(dimension)
      x.set(space.vector(facts))
      for (let c = 0; c < space.classes.length; c++) x[space.dimension + c] = x[1 + c]! * x[from]!
      return x
    },
  }
}

/** Where the classes of a set's rows come from. */
const CLASS_SOURCES: Readonly<Record<string, Pick<ReplayOptions, 'classBy'> & { readonly rules?: true }>> = {
  given: { classBy: 'category' },
  inferred: { classBy: 'inferred' },
  keywords: { classBy: 'category', rules: true },
}

function withKeywordClasses(dataset: Dataset): Dataset {
  return {
    ...dataset,
    async *rows() {
      for await (const row of dataset.rows()) {
        const { prompt } = row
        const messages = [{ role: 'user', text: prompt }]
        yield { ...row, category: keywordClass({ messages, promptTokens: Math.ceil(prompt.length / 4) }) }
      }
    },
  }
}

async function measure(set: string, source: string): Promise<string[]> {
  const { rules, ...classBy } = CLASS_SOURCES[source]!
  const opened = await openDataset(sharedPath('data', set))
  const dataset = rules ? withKeywordClasses(opened) : opened
  const cells: string[] = []
  let zero = Number.NaN
  for (const options of Object.values(VARIANTS)) {
    const result = await replay({
      dataset,
      policy: 'thompson',
      ...classBy,
      ...options,
      seeds: 1,
      resamples: RESAMPLES,
    })
    const { mean, lo, hi } = result.policy.aiq!
    zero = result.baselines.zeroRouter!.aiq!.mean
    cells.push(`${mean.toFixed(4)} [${lo.toFixed(3)}, ${hi.toFixed(3)}]`)
  }
  return [set, source, zero.toFixed(4), ...cells]
}

const named = process.argv.slice(2)
const table = new Table({
  head: ['set', 'class', 'zero router', ...Object.keys(VARIANTS)],
  chars: { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' },
  style: { head: [], border: [], compact: true },
})
for (const set of named.length > 0 ? named : SETS) {
  for (const source of Object.keys(CLASS_SOURCES)) {
    process.stderr.write(`${set}, class ${source} …\n`)
    table.push(await measure(set, source))
  }
}
process.stdout.write(`${table.toString()}\n`)
