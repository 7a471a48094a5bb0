import { family } from '../template.ts'
import { WORDS } from './words.ts'

const slots = {
  ...WORDS,
  lookup: [
    'check the weather in [[city]] for [[weekday]]',
    'look up the status of order [[int:100000..999999]]',
    'find a free room for [[int:4..18]] on [[weekday]] at [[int:9..16]]:00',
    'get the exchange rate from EUR to JPY',
    'search the wiki for the holiday policy',
    'see whether [[product]] is in stock in [[city]]',
    'fetch the last [[int:3..20]] tickets of [[company]]',
    'read the current reading of sensor [[int:10..99]]',
  ],
  action: [
    'send [[person]] a message with the result',
    'open a ticket with priority [[int:1..3]]',
    'add a reminder for [[weekday]]',
    'write the answer to the sheet "[[month]]"',
    'post it in the channel of the [[city]] team',
    'attach it to case [[int:1000..9999]]',
    'note it in the shift book',
    'ask [[person]] [[surname]] to approve it',
  ],
  condition: [
    'only if nobody else has done it',
    'unless [[person]] objects',
    'when the answer is older than [[int:2..9]] days',
    'before [[weekday]] noon',
    'as long as it costs less than [[int:20..200]] euros',
  ],
}

export const toolUse = [
  family(
    'tool-use/single',
    [
      'Please [[lookup]].',
      'Use your tools to [[lookup]] and tell me in one line.',
      '[[person]] here from [[company]]. Could you [[lookup]]?',
      'Can you [[lookup]] for [[person]] [[surname]]? Ask me if anything is unclear.',
    ],
    slots,
  ),
  family(
    'tool-use/chain',
    [
      'Please [[lookup]], then [[action]].',
      'Could you [[lookup]] and [[action]], [[condition]]? Then [[action]].',
      'First [[lookup]]. After that [[lookup]]. Finally [[action]] [[condition]].',
      'For [[company]]: [[lookup]], [[action]], and confirm each step to me.',
    ],
    slots,
  ),
]
