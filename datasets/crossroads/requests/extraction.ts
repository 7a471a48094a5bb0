import { family } from '../template.ts'
import { WORDS } from './words.ts'

const slots = {
  ...WORDS,
  article: [
    'paper rolls',
    'steel brackets',
    'cable drums',
    'oak boards',
    'printer cartridges',
    'safety gloves',
    'storage bins',
  ],
  invoice: [
    'INVOICE [[int:10000..99999]]\n[[company]], [[city]]\nDate: [[int:1..28]] [[month]] 2025\n\n[[int:2..40]] x [[article]] @ [[int:3..80]].[[int:10..99]]\n[[int:2..40]] x [[article]] @ [[int:3..80]].[[int:10..99]]\nDelivery [[int:5..45]].00\nVAT [[int:7..25]] %\n\nPayable within [[int:10..45]] days to account [[int:1000..9999]]-[[int:1000..9999]].',
    '[[company]] — receipt no. [[int:100..999]]/[[int:2023..2026]]\n[[article]]\t[[int:1..9]]\t[[int:10..99]].[[int:10..99]] EUR\n[[article]]\t[[int:1..9]]\t[[int:10..99]].[[int:10..99]] EUR\n[[article]]\t[[int:1..9]]\t[[int:10..99]].[[int:10..99]] EUR\nPaid by card ending in [[int:1000..9999]], served by [[person]].',
  ],
  mail: [
    'Dear team,\n\nthe delivery of [[int:5..90]] [[article]] promised for [[weekday]] has not arrived. Our customer in [[city]] is waiting, and [[person]] [[surname]] told me on the phone that it left your depot on [[int:1..28]] [[month]]. Please call me back at [[int:100..999]] [[int:1000..9999]].\n\n[[person]] [[surname]]\n[[company]]',
    'Hello [[person]],\n\ncan we move the workshop in [[city]] from [[weekday]] to [[weekday]], [[int:9..16]]:30? [[person]] [[surname]] joins from [[company]]. We need a room for [[int:6..25]] and [[int:2..6]] flip charts. Budget stays at [[int:800..4000]] euros.\n\nThanks\n[[person]]',
    'Hi support,\n\nI ordered [[product]] (order [[int:100000..999999]]) and the box held only [[article]]. I paid [[int:20..300]].[[int:10..99]] euros on [[int:1..28]] [[month]]. I would like my money back, not a voucher.\n\nRegards, [[person]] [[surname]], [[city]]',
  ],
  invoice_fields: [
    'supplier, date, total and due date',
    'every amount with its currency',
    'articles, quantities and unit prices',
    'all dates in ISO 8601',
    'document number and amount payable',
  ],
  mail_fields: [
    'names, phone numbers and cities',
    'article, quantity and the wish of the sender',
    'all dates and times',
    'who has to do what by when',
    'every number and what it counts',
  ],
  shape: ['as JSON', 'as a JSON array of objects', 'as CSV with a header', 'into a table', 'as YAML'],
  labels: [
    'billing, delivery, praise or other',
    'urgent, normal or spam',
    'refund, exchange or question',
    'sales, support or legal',
  ],
  review: [
    'The [[product_noun]] came two days early but the manual is only in Danish.',
    'Third [[product_noun]] this year. I give up.',
    'Works. My husband even smiled when he saw the [[product_noun]].',
    'They charged me twice for the [[product_noun]] and nobody answers since [[weekday]].',
    'Is the [[product_noun]] fit for outdoor use in [[month]]? The page does not say.',
    'Good [[product_noun]], awful courier, fair price of [[int:20..200]] euros.',
  ],
  product_noun: ['kettle', 'printer', 'ladder', 'jacket', 'filter', 'desk', 'trailer'],
}

export const extraction = [
  family(
    'extraction/invoice',
    [
      'Extract [[invoice_fields]] [[shape]]:\n\n[[invoice]]',
      'Parse this and return [[invoice_fields]] [[shape]]. Use null where something is missing.\n\n---\n[[invoice]]\n---',
    ],
    slots,
  ),
  family(
    'extraction/mail',
    [
      'Pull out [[mail_fields]] from the e-mail below, [[shape]].\n\n[[mail]]',
      'Extract [[mail_fields]] [[shape]], nothing else:\n\n"""\n[[mail]]\n"""',
      'List all persons and companies in this message [[shape]].\n\n[[mail]]',
    ],
    slots,
  ),
  family(
    'extraction/classify',
    [
      'Classify each review as [[labels]]:\n1. [[review]]\n2. [[review]]\n3. [[review]]',
      'Categorise this message for [[company]] as [[labels]] and give a confidence: "[[review]]"',
      'Extract product, sentiment (-1 to 1) and complaint [[shape]] from: "[[review]] [[review]]"',
    ],
    slots,
  ),
]
