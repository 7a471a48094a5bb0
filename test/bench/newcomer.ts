/**
 * `node test/bench/newcomer.ts [--seeds 20]`: how often a new arm is called in its first 4,000 requests beside two known arms, of which the
 * better one is right 7 times in 10. The floor alone calls it 27 times.
 */
import Table from 'cli-table3'
import { Command } from 'commander'
import { studentInterval } from '../../eval/index.ts'
import { KNOWN_QUALITY, onboard } from '../helpers/newcomer.ts'

await new Command('newcomer')
  .description('Calls of a new arm until the router has made up its mind.')
  .option('--seeds <number>', 'runs of each case', Number, 20)
  .action(({ seeds }: { readonly seeds: number }) => {
    const table = new Table({
      head: ['right answers', 'registered at', 'judged', 'calls', 'most', 'of the last 1,000'],
      style: { head: [], border: [], compact: true },
    })
    for (const registered of [0.5, 0.7, 0.9]) {
      for (const quality of [0.3, 0.5, KNOWN_QUALITY - 0.05, KNOWN_QUALITY + 0.1]) {
        for (const judged of registered === 0.7 ? [1, 0.1] : [1]) {
          const runs = Array.from({ length: seeds }, (_, seed) =>
            onboard(quality, registered, seed + 1, judged),
          )
          const shown = (values: readonly number[]) => {
            const interval = studentInterval(values, 0.95)
            return interval
              ? `${interval.mean.toFixed(0)} ± ${((interval.hi - interval.lo) / 2).toFixed(0)}`
              : ''
          }
          table.push([
            quality.toFixed(2),
            registered,
            `${100 * judged} %`,
            shown(runs.map(({ calls }) => calls)),
            Math.max(...runs.map(({ calls }) => calls)),
            shown(runs.map(({ lastCalls }) => lastCalls)),
          ])
        }
      }
    }
    process.stdout.write(`${table.toString()}\n`)
  })
  .parseAsync()
