import { family } from '../template.ts'
import { WORDS } from './words.ts'

const slots = {
  ...WORDS,
  choice: [
    'renting a van twice a month or buying an old one',
    'one large warehouse near [[city]] or two small ones',
    'paying people by the hour or by the delivery',
    'a monolith or separate services for [[app]]',
    'opening on Sundays or staying open later in the week',
    'hiring one senior engineer or two juniors',
    'building the billing module or buying it',
    'moving the support team to chat only',
  ],
  facts: [
    'we are [[int:4..60]] people and grow slowly',
    'cash is tight until [[month]]',
    'half of our customers are in [[city]]',
    'two of us leave in [[month]]',
    'the last attempt failed after [[int:2..9]] months',
    'a competitor just cut prices by [[int:5..30]] percent',
    'the contract ends in [[int:3..18]] months',
  ],
  claim: [
    'Sales rose in the month after we changed the logo, so the logo works.',
    'Nobody has complained about the new form, therefore it is better than the old one.',
    'Patients who got the expensive test live longer, so everyone should get it.',
    'All of our best engineers know Latin, so Latin makes good engineers.',
    'The survey shows that [[int:70..95]] percent of the people who answered are happy, so churn cannot be the problem.',
    'Accidents fell after the new sign was put up at the worst junction of the year.',
    'If the alarm had been faulty it would have rung by now.',
  ],
  seating: ['does not sit next to', 'sits directly left of', 'sits opposite', 'sits two places from'],
  observation: [
    'one in [[int:20..90]] requests takes ten seconds',
    'the fridge is warm at the back and cold in front',
    'the bus is late only when it is empty',
    'orders drop every third Tuesday',
    'the error disappears when logging is on',
    'the plant wilts although the soil is wet',
  ],
}

export const reasoning = [
  family(
    'reasoning/decide',
    [
      'Compare [[choice]]. Facts: [[facts]]; [[facts]]. Which would you pick and why? Name what would change your mind.',
      'Explain the trade-offs of [[choice]] for [[company]], given that [[facts]].',
      'We argue about [[choice]]. Evaluate both sides step by step: [[facts]], [[facts]], and [[facts]].',
    ],
    slots,
  ),
  family(
    'reasoning/critique',
    [
      'Why is this argument weak, if it is? "[[claim]]"',
      'Analyse the reasoning: "[[claim]]" What evidence would settle it?',
      '[[person]] says: "[[claim]]" [[person]] disagrees. Who is right? Explain in under [[int:80..200]] words.',
    ],
    slots,
  ),
  family(
    'reasoning/puzzle',
    [
      'Five people, Ana, Ben, Cleo, Dov and Eve, sit at a round table. Ana [[seating]] Ben. Cleo [[seating]] Eve. Dov [[seating]] Ana. List who can sit beside Dov, step by step.',
      'At [[company]] [[observation]]. Give the three most likely causes, and the one check that tells them apart. Explain why.',
      'Three boxes are labelled apples, pears and mixed; [[int:1..3]] of the labels are wrong and you may take out one fruit. Which box do you open, and why? Consider that [[person]] might have swapped two labels.',
      'Something odd: [[observation]]. [[facts]] too, though that may be unrelated. Think step by step and explain what is going on.',
    ],
    slots,
  ),
]
