import { family } from '../template.ts'
import { WORDS } from './words.ts'

const slots = {
  ...WORDS,
  note: [
    '[[person]] reports that the migration of [[app]] is [[int:40..95]] percent done; the rest waits for new disks.',
    'The fair in [[city]] cost [[int:4..19]] thousand euros and brought [[int:12..80]] leads, of which [[int:2..9]] are serious.',
    'Complaints about [[product]] fell to [[int:3..40]] a week after the packaging was changed.',
    '[[company]] asks for a price for [[int:200..2000]] units and an answer by [[weekday]].',
    '[[person]] warns that the licence of the map service ends in [[month]].',
    'Nobody has tested the backup since [[month]]; [[person]] will do it on [[weekday]].',
    'The new colleague from [[city]] starts in [[month]] and needs a laptop and a key.',
    'Heating of the hall failed twice; the landlord promises a repair within [[int:2..9]] weeks.',
    'The pilot with [[company]] is extended until [[month]], provided that the error rate stays under [[int:1..4]] percent.',
    '[[person]] wants to stop the weekly report because only [[int:1..5]] people open it.',
  ],
  finding: [
    'Soil samples from [[int:12..60]] fields near [[city]] showed less nitrogen after wet winters, most of all on slopes.',
    'Commuters who could leave up to [[int:15..45]] minutes later were on time more often, although they travelled no faster.',
    'Shops that put fruit beside the till sold [[int:3..18]] percent more of it, but only for the first [[int:3..8]] weeks.',
    'Bees returned to roof gardens within [[int:1..4]] years when at least [[int:5..20]] kinds of plants grew there.',
    'Readers remembered [[int:10..40]] percent more of a text on paper than on a phone, with no difference for short notices.',
    'Street lights with motion sensors cut electricity by [[int:30..70]] percent without more accidents at night.',
    'Children who walked to school in groups crossed at safer places than those who walked alone.',
  ],
  caveat: [
    'The sample was small and the season unusual.',
    'The authors were paid by a maker of the devices.',
    'The effect vanished once income was taken into account.',
    'Results from other towns are expected in [[month]].',
    'A second team could not repeat the last part.',
  ],
  length: [
    'in [[int:2..5]] bullet points',
    'in one sentence',
    'in at most [[int:40..120]] words',
    'for somebody who missed the meeting',
    'for the board, [[tone]] in tone',
    'as a headline and three lines',
  ],
}

export const summarization = [
  family(
    'summarization/minutes',
    [
      'Summarize these notes [[length]]:\n\n- [[note]]\n- [[note]]\n- [[note]]\n- [[note]]',
      'Give me the key points of this meeting [[length]].\n\n[[note]] [[note]] [[note]] Then there was a long talk about parking. [[note]] [[note]]',
      'Condense the following for [[person]], [[length]], and put open tasks last:\n\n[[note]]\n[[note]]\n[[note]]\n[[note]]\n[[note]]\n[[note]]',
    ],
    slots,
  ),
  family(
    'summarization/article',
    [
      'Write a summary of this article [[length]].\n\n[[finding]] [[finding]] [[caveat]] [[finding]]',
      'TL;DR [[length]]:\n\n[[finding]] [[caveat]]\n\n[[finding]] [[finding]] [[caveat]] [[finding]]',
      'Summarise the text [[length]]; keep all numbers.\n\n[[finding]] [[finding]]\n\n[[caveat]]\n\n[[finding]] [[note]]',
    ],
    slots,
  ),
]
