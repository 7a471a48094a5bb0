/** Intervals of estimators hold the truth at their level, in worlds whose truth is known; the study in docs has the long version. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type Figures, settingNamed, study, watched } from '../helpers/coverage-study.ts'

const LEVEL = 0.95
/** Four standard errors of a share near the level. */
const slack = (repetitions: number) => 4 * Math.sqrt((LEVEL * (1 - LEVEL)) / repetitions)
const HEADLINES = ['dr', 'snips', 'sndr', 'ips', 'paired difference (dr)']

suite('coverage', () => {
  for (const [name, repetitions] of [
    ['A', 120],
    ['C', 300],
  ] as const) {
    const { figures } = study(settingNamed(name), repetitions)
    const of = (estimator: string): Figures => figures.get(estimator)!

    test(`setting ${name}: headline intervals hold the truth as often as they say, and values are not off by more than luck`, () => {
      for (const estimator of HEADLINES) {
        const { coverage, bias, rmse } = of(estimator)
        assert.ok(Math.abs(coverage - LEVEL) <= slack(repetitions), `${estimator} held it in ${coverage}`)
        assert.ok(Math.abs(bias) <= (4 * rmse) / Math.sqrt(repetitions), `${estimator} is off by ${bias}`)
      }
      assert.ok(of('snips, bootstrap').coverage >= LEVEL - slack(repetitions))
    })

    test(`setting ${name}: intervals that promise more hold it at least as often, and are wider`, () => {
      for (const estimator of ['cressie_read', 'dr, asymptotic CS', 'ips, emp. Bernstein']) {
        assert.ok(of(estimator).coverage >= LEVEL - slack(repetitions), estimator)
      }
      assert.ok(of('dr, asymptotic CS').width > 1.2 * of('dr').width)
      assert.ok(of('ips, emp. Bernstein').width > 2 * of('ips').width)
    })

    test(`setting ${name}: what is biased does not: the model alone, and what SLOPE picks`, () => {
      for (const estimator of ['dm', 'dr_os, λ by SLOPE']) assert.ok(of(estimator).coverage < 0.75, estimator)
    })
  }

  test('setting B: clipping at 5 loses the truth where the logging policy avoids what the target prefers', () => {
    const repetitions = 60
    const { figures, medianEss } = study(settingNamed('B'), repetitions)
    assert.ok(medianEss < 250)
    assert.ok(figures.get('clipped_ips(5)')!.coverage < 0.5)
    assert.ok(figures.get('dr')!.coverage >= LEVEL - slack(repetitions))
  })

  test('looked at again and again, the confidence sequence holds and Student’s interval does not', () => {
    const repetitions = 60
    const { asymptotic, fixed } = watched({ ...settingNamed('C'), decisions: 2_000 }, repetitions, 20)
    assert.ok(asymptotic >= LEVEL - slack(repetitions), `held in ${asymptotic}`)
    assert.ok(fixed < LEVEL - slack(repetitions) / 2, `Student's in ${fixed}`)
  })
})
