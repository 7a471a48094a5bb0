/** Requests that carry a long document, written line by line, with the answer hidden somewhere in it. */
import type { RandomStream } from '../../random.ts'
import { type Family, fill } from '../template.ts'
import { WORDS } from './words.ts'

const MIN_DOCUMENT_CHARS = 40_000
const MAX_DOCUMENT_CHARS = 64_000

const slots = {
  ...WORDS,
  remark: [
    'I would rather wait until [[month]], because the numbers from [[city]] are not in yet.',
    'That was [[int:12..96]] thousand last year, and nobody could say what it was for.',
    'We promised [[company]] an answer by [[weekday]], so let us settle it now.',
    'Can somebody check whether [[app]] still depends on the old server?',
    'If we do that, the people in [[city]] have to work on [[weekday]] again.',
    'Agreed, but write down that I asked for a second offer.',
    'I tried it with [[product]] last week and it broke after [[int:2..40]] minutes.',
    'The supplier wants [[int:3..21]] percent more from [[month]] on.',
    'That is the third time [[company]] changes the plan.',
    'Fine by me, as long as [[person]] signs it.',
    'Let us take that offline, please.',
    'Sorry, I was on mute. I said that the lease ends in [[month]].',
    'We have [[int:3..90]] open cases of this kind, most of them from [[city]].',
  ],
  decision: [
    'So we decided: [[person]] takes over the contract with [[company]] for [[int:11..97]] thousand euros.',
    'So we decided: the office in [[city]] closes at the end of [[month]].',
    'So we decided: no release of [[app]] before [[int:2..28]] [[month]].',
  ],
  clause: [
    'The supplier shall deliver within [[int:5..60]] working days of each order, at the risk of the customer from [[city]] on.',
    'Prices are fixed until the end of [[month]]; afterwards they follow the index with a delay of [[int:1..6]] months.',
    'Either party may assign its rights with written consent, which shall not be withheld without reason.',
    'Notices are sent to [[person]] [[surname]], [[company]], [[city]], and count as received after [[int:2..7]] days.',
    'Liability is limited to [[int:50..500]] thousand euros a year, save for intent and gross negligence.',
    'The customer keeps the goods insured against fire and water for at least [[int:80..130]] percent of their value.',
    'Records are kept for [[int:3..10]] years and shown on request during office hours.',
    'Late payment bears interest of [[int:2..9]] percent above the base rate from the day after it was due.',
    'A force majeure of more than [[int:30..120]] days entitles both parties to end this agreement.',
  ],
  exit: [
    'Notwithstanding the foregoing, [[company]] may leave this agreement with [[int:14..90]] days of notice in any [[month]].',
    'By way of exception, the exclusivity for [[city]] ends once turnover falls below [[int:100..900]] thousand euros.',
  ],
  event: [
    'INFO  worker-[[int:1..9]] took job [[int:10000..99999]] from queue [[queue]]',
    'INFO  worker-[[int:1..9]] finished job [[int:10000..99999]] in [[int:12..980]] ms',
    'DEBUG cache [[queue]] hit=[[int:100..999]] miss=[[int:1..99]] evicted=[[int:0..40]]',
    'WARN  slow query [[int:1000..9000]] ms on replica-[[int:1..4]]',
    'INFO  health check from 10.0.[[int:1..9]].[[int:1..250]] answered 200',
    'WARN  retry [[int:1..3]] of 3 for job [[int:10000..99999]]',
  ],
  fault: [
    'ERROR replica-[[int:1..4]] lost its lease, term [[int:3..40]], last index [[int:100000..999999]]',
    'ERROR queue [[queue]] rejected job [[int:10000..99999]]: schema version [[int:2..9]] unknown',
  ],
  queue: ['billing', 'mail', 'thumbnails', 'exports', 'search'],
}

/** Lines until the length is reached; one telling line somewhere in the middle half. */
function documentOf(random: RandomStream, line: (number: number) => string, telling: () => string): string {
  const length = MIN_DOCUMENT_CHARS + random.index(MAX_DOCUMENT_CHARS - MIN_DOCUMENT_CHARS)
  const tellingAt = length * (0.25 + 0.5 * random.uniform())
  const lines: string[] = []
  let written = 0
  let told = false
  while (written < length) {
    const isTelling: boolean = !told && written >= tellingAt
    told ||= isTelling
    const next = isTelling ? telling() : line(lines.length + 1)
    lines.push(next)
    written += next.length + 1
  }
  return lines.join('\n')
}

const transcript: Family = {
  task: 'long-context/transcript',
  write(random) {
    const say = (slot: string) => fill(`[[person]]: [[${slot}]]`, slots, random)
    const text = documentOf(
      random,
      () => say('remark'),
      () => say('decision'),
    )
    return (
      fill(
        `Below is the transcript of our meeting in [[city]] on [[weekday]]. What was decided, by whom, and who had asked for a second offer before that?\n\n`,
        slots,
        random,
      ) + text
    )
  },
}

const contract: Family = {
  task: 'long-context/contract',
  write(random) {
    let number = 0
    const clause = (slot: string) => `§ ${++number} ${fill(`[[${slot}]]`, slots, random)}`
    const text = documentOf(
      random,
      () => clause('clause'),
      () => clause('exit'),
    )
    return (
      fill(
        'You advise [[company]]. Here is the whole agreement. Under which clause can we get out early, and which later clauses contradict it?\n\n',
        slots,
        random,
      ) + text
    )
  },
}

const log: Family = {
  task: 'long-context/log',
  write(random) {
    let second = random.index(20_000)
    const entry = (slot: string) => {
      second += random.index(4)
      const clock = [second / 3600, (second / 60) % 60, second % 60].map((part) =>
        String(Math.floor(part)).padStart(2, '0'),
      )
      return `${clock.join(':')} ${fill(`[[${slot}]]`, slots, random)}`
    }
    const text = documentOf(
      random,
      () => entry('event'),
      () => entry('fault'),
    )
    return (
      fill(
        'This is the log of [[app]] of last [[weekday]]. Customers saw errors. Find the first real failure and what happened in the minute before it.\n\n',
        slots,
        random,
      ) + text
    )
  },
}

export const longContext = [transcript, contract, log]
