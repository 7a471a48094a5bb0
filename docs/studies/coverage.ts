/**
 * `npm run study:coverage [-- repetitions]`: draws logs from worlds whose truth is known, and writes into docs/off-policy.md how
 * often 95 % intervals held it, and bias and error of each estimator as overlap shrinks. About two minutes for 1,000
 * repetitions; the same numbers every time.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  OVERLAPS,
  SETTINGS,
  type StudyResult,
  settingNamed,
  study,
  watched,
} from '../../test/helpers/coverage-study.ts'

const page = join(import.meta.dirname, '..', 'off-policy.md')
const repetitions = Number(process.argv[2] ?? 1_000)
if (!(Number.isInteger(repetitions) && repetitions > 1)) throw new Error('give a whole number of repetitions')
const LOOKS = 20

const coverage = SETTINGS.map((setting) => {
  process.stderr.write(`setting ${setting.name} …\n`)
  return study(setting, repetitions)
})
const overlap = OVERLAPS.map((setting) => {
  process.stderr.write(`${setting.name} …\n`)
  return study(setting, Math.ceil(repetitions / 4))
})
process.stderr.write('looks …\n')
const looked = watched({ ...settingNamed('A'), decisions: 4_000 }, Math.ceil(repetitions / 4), LOOKS)

let text = await readFile(page, 'utf8')
text = replaceSection(text, 'coverage', coverageTable(coverage))
text = replaceSection(text, 'overlap', overlapTable(overlap))
text = replaceSection(
  text,
  'looks',
  `Looked at ${LOOKS} times as a log of 4,000 grew (setting A, ${Math.ceil(repetitions / 4)} logs), the interval held the truth at every look in ` +
    `${percent(looked.fixed)} of logs by Student's t and in ${percent(looked.asymptotic)} by the asymptotic confidence sequence.`,
)
await writeFile(page, text)

function coverageTable(results: readonly StudyResult[]): string {
  const names = [...new Set(results.flatMap(({ figures }) => [...figures.keys()]))]
  return table(
    [
      'estimator',
      ...results.map(
        ({ setting, medianEss }) =>
          `${setting.name}: n = ${setting.decisions}, K = ${setting.arms}, ${setting.reward}, ESS ${medianEss.toFixed(0)}`,
      ),
    ],
    names.map((name) => [
      name,
      ...results.map(({ figures }) => {
        const of = figures.get(name)
        if (of === undefined) return '–'
        return `${percent(of.coverage)} / ${of.width.toFixed(3)} / ${signed(of.bias)}`
      }),
    ]),
  )
}

function overlapTable(results: readonly StudyResult[]): string {
  const names = [
    'dr',
    'snips',
    'cressie_read',
    'ips',
    'sndr',
    'switch_dr(30)',
    'dr_os(1000)',
    'dr_os, λ by SLOPE',
    'clipped_ips(5)',
    'dm',
  ]
  return table(
    ['logging policy', 'ESS of 2,000', ...names],
    results.map(({ setting, medianEss, figures }) => [
      setting.name,
      medianEss.toFixed(0),
      ...names.map((name) => {
        const of = figures.get(name)
        if (of === undefined) return '–'
        const { bias, rmse, coverage: held } = of
        return `${signed(bias)} / ${rmse.toFixed(3)} / ${percent(held)}`
      }),
    ]),
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function signed(value: number): string {
  const rounded = value.toFixed(3)
  return Number(rounded) === 0 ? '0.000' : rounded.replace('-', '−')
}

function replaceSection(whole: string, name: string, content: string): string {
  const [start, end] = [`<!-- ${name}: written by npm run study:coverage -->`, `<!-- /${name} -->`]
  const [from, to] = [whole.indexOf(start), whole.indexOf(end)]
  if (from === -1 || to === -1) throw new Error(`docs/off-policy.md has no section ${start} … ${end}`)
  return `${whole.slice(0, from + start.length)}\n${content}\n${whole.slice(to)}`
}
