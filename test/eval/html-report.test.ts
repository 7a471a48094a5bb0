/** Reports as files: whole, self-contained, and true to what they are made of. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseHTML } from 'linkedom'
import {
  type Interval,
  markup,
  type PlotSpec,
  renderBanner,
  renderPage,
  renderPlot,
  renderRefusal,
  renderReplayReport,
  renderTable,
  replay,
} from '../../eval/index.ts'
import { createScale, domainOf } from '../../eval/report/html/scale.ts'
import { datasetOf, skilledRows } from './worlds.ts'

const NASTY = `<img src="https://evil.example/x.png" onerror='alert(1)'> & "quotes"`

function documentOf(html: string) {
  return parseHTML(html).document
}

/** Everything by which a page could ask for something, or run. */
function assertSelfContained(html: string): void {
  const document = documentOf(html)
  for (const tag of ['script', 'link', 'iframe', 'img', 'object', 'embed', 'image', 'use', 'base']) {
    assert.equal(document.querySelectorAll(tag).length, 0, tag)
  }
  for (const element of document.querySelectorAll('*')) {
    for (const { name, value } of element.attributes) {
      assert.ok(!/^on/i.test(name), `${element.tagName} ${name}`)
      if (['src', 'href', 'xlink:href', 'action', 'srcset', 'data'].includes(name)) assert.match(value, /^#/)
    }
  }
  for (const { textContent } of document.querySelectorAll('style')) {
    assert.doesNotMatch(textContent ?? '', /@import|url\((?!#)|https?:/)
  }
  const policy = document.querySelector('meta[http-equiv="Content-Security-Policy"]')
  assert.match(policy?.getAttribute('content') ?? '', /default-src 'none'/)
}

/** What a screen reader needs to find its way. */
function assertAccessible(html: string): void {
  const document = documentOf(html)
  assert.equal(document.documentElement.getAttribute('lang'), 'en')
  assert.equal(document.querySelectorAll('main h1').length, 1)
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id)
  assert.equal(new Set(ids).size, ids.length, `ids are unique: ${ids.join(' ')}`)
  for (const link of document.querySelectorAll('a[href^="#"]')) {
    assert.ok(ids.includes(link.getAttribute('href')!.slice(1)))
  }
  for (const element of document.querySelectorAll('[aria-labelledby]')) {
    for (const id of element.getAttribute('aria-labelledby')!.split(' ')) assert.ok(ids.includes(id), id)
  }
  for (const table of document.querySelectorAll('table')) {
    assert.ok(table.querySelector('caption')?.textContent)
    const columns = table.querySelectorAll('thead th[scope="col"]').length
    for (const row of table.querySelectorAll('tbody tr')) {
      assert.equal(row.children.length, columns)
      assert.equal(row.children[0]!.getAttribute('scope'), 'row')
    }
  }
  for (const figure of document.querySelectorAll('figure svg[role="img"]')) {
    assert.ok(figure.querySelector('title')?.textContent)
    assert.ok(figure.querySelector('desc')?.textContent)
  }
}

const PLOT: PlotSpec = {
  id: 'plot',
  title: 'A plot',
  description: 'Two series.',
  x: { label: 'x', scale: 'log', format: String },
  y: { label: 'y', format: String },
  series: [
    {
      name: 'one',
      mark: 'line-dots',
      tone: 0,
      points: [
        { x: 1, y: 0.5, lo: 0.4, hi: 0.6, label: NASTY },
        { x: 10, y: 0.7, lo: Number.NaN, hi: 0.8 },
      ],
    },
    {
      name: 'two',
      mark: 'dots',
      tone: 1,
      points: [
        { x: 0, y: 1 },
        { x: 5, y: 0.1 },
      ],
    },
  ],
}

suite('the pieces of a report', () => {
  test('text is escaped wherever it is put, and markup is not escaped twice', () => {
    assert.equal(markup`<p title="${'"'}">${'<b>'}</p>`.text, '<p title="&quot;">&lt;b&gt;</p>')
    assert.equal(markup`${[markup`<i>1</i>`, '&', undefined, false, 2]}`.text, '<i>1</i>&amp;2')
  })

  test('a page of hostile text is self-contained, and says it as text', () => {
    const html = renderPage({
      title: NASTY,
      lead: NASTY,
      banner: [renderBanner('good', NASTY), renderRefusal([{ code: 'no_overlap', message: NASTY }])],
      sections: [
        { id: 'table', title: NASTY, body: renderTable(NASTY, [{ title: NASTY }], [{ cells: [NASTY] }]) },
        { id: 'figure', title: 'Figure', body: renderPlot(PLOT) },
      ],
      foot: NASTY,
    })
    assertSelfContained(html)
    assertAccessible(html)
    const document = documentOf(html)
    assert.equal(document.querySelector('h1')?.textContent, NASTY)
    assert.match(document.querySelector('.banner.bad')?.textContent ?? '', /No estimate.*no_overlap/s)
  })

  test('a plot draws what is finite and leaves the rest out', () => {
    const document = documentOf(`<body>${renderPlot(PLOT).text}</body>`)
    const marks = (selector: string) => document.querySelectorAll(`figure > svg ${selector}`).length
    assert.equal(marks('circle.dot'), 2)
    // The dot at 0 has no place on logarithms.
    assert.equal(marks('rect.dot'), 1)
    // The second interval has a bound that nobody knows.
    assert.equal(marks('.bar'), 1)
    assert.equal(document.querySelectorAll('.legend li').length, 2)
    // Nothing to draw is said and not drawn.
    const empty = renderPlot({ ...PLOT, series: [{ name: 'none', mark: 'line', tone: 0, points: [] }] })
    assert.match(empty.text, /nothing to draw/)
  })

  test('a plot has room for the longest figure of its axis', () => {
    const leftOf = (format: (value: number) => string) => {
      const { text } = renderPlot({ ...PLOT, y: { label: 'y', format } })
      const [, left = '', width = ''] = /viewBox="(-?\d+) 0 (\d+) /.exec(text) ?? []
      return { left: Number(left), right: Number(left) + Number(width) }
    }
    const usual = leftOf(() => '0.7')
    const long = leftOf(() => '+123456789.0 %')
    assert.equal(usual.left, 0)
    // Half of the size of the font is less than any of its figures needs.
    assert.ok(66 - 8 - long.left >= '+123456789.0 %'.length * 6)
    assert.equal(long.right, usual.right)
  })

  test('ticks are round, ascending and within any domain; places keep the order of values', () => {
    const number = fc.double({ min: -1e6, max: 1e6, noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 20 }), fc.boolean(), (raw, isLog) => {
        const values = isLog ? raw.map((value) => 10 ** (value / 1e5)) : raw
        const domain = domainOf(values, isLog)!
        const { at, ticks } = createScale(domain, [0, 100], isLog)
        assert.ok(ticks.length <= 20, `${ticks.length} ticks in ${domain}`)
        for (const [i, tick] of ticks.entries()) {
          assert.ok(tick >= domain[0] && tick <= domain[1] + 1e-9 * Math.abs(domain[1]))
          if (i > 0) assert.ok(tick > ticks[i - 1]!)
        }
        for (const value of values) assert.ok(at(value) >= -1e-6 && at(value) <= 100 + 1e-6)
      }),
      { seed: 1 },
    )
  })
})

suite('the report of a replay', () => {
  test('frozen: self-contained, accessible, and with the figures of the result', async () => {
    const dataset = datasetOf(skilledRows(240))
    const result = await replay({ dataset, policy: 'thompson', resamples: 50 })
    const html = renderReplayReport(result, 'highwayman replay --dataset <x>')
    assertSelfContained(html)
    assertAccessible(html)
    const document = documentOf(html)
    assert.ok(document.querySelector('.banner')!.textContent!.includes(result.verdict.text))
    const shown = (value: Interval) => value.mean.toFixed(4)
    const main = [...document.querySelectorAll('tr.main')].map(({ textContent }) => textContent).join('\n')
    assert.ok(main.includes(shown(result.policy.reward)))
    assert.ok(main.includes(shown(result.policy.aiq!)))
    assert.ok(document.querySelector('#plot-cost-quality .tone-0 .line'))
    assert.ok(document.querySelector('#plot-calibration'))
    const classes = [...document.querySelectorAll('#classes ~ .scroll tbody th')].map((th) => th.textContent)
    assert.deepEqual(classes.toSorted(), ['sums', 'words'])
    assert.equal(document.querySelector('#plot-regret'), null)
  })

  test('online: with regret, and what a single seed cannot say is left out', async () => {
    const dataset = datasetOf(skilledRows(240))
    const result = await replay({
      dataset,
      policy: 'thompson',
      online: true,
      seeds: 1,
      resamples: 50,
      budgetUsd: 5e-4,
    })
    const html = renderReplayReport(result)
    assertSelfContained(html)
    assertAccessible(html)
    const document = documentOf(html)
    assert.ok(document.querySelector('#plot-regret .line'))
    assert.ok(document.querySelector('#budget'))
    assert.doesNotMatch(html, /NaN|undefined|Infinity/)
  })
})
