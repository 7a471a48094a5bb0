import { family } from '../template.ts'
import { WORDS } from './words.ts'

const slots = {
  ...WORDS,
  subject: [
    'a lighthouse keeper who is afraid of the dark',
    'two snails on a long journey',
    'the last bus of the night',
    'a violin that plays only in [[month]]',
    'a clerk who alphabetises the wind',
    'an old ferry between [[city]] and nowhere',
    'a robot that collects buttons',
    'a garden behind a petrol station',
    'a cartographer who lies',
  ],
  form: [
    'a haiku',
    'a limerick',
    'a sonnet',
    'a poem of [[int:3..6]] stanzas',
    'a prose poem',
    'a ballad',
    'a song with a chorus',
  ],
  twist: [
    'End on a question.',
    'Nobody speaks.',
    'Mention the smell of rain.',
    'It must be told backwards.',
    'Use no adjectives.',
    'Write it in the second person.',
    'Let it be funny and a little sad.',
    'Set it in [[city]].',
  ],
  copy: [
    'a slogan',
    'three slogans',
    'a radio spot of [[int:15..40]] seconds',
    'a product story',
    'five subject lines for a newsletter',
    'a brand name and a slogan',
  ],
  audience: [
    'for people who hate shopping',
    'for students',
    'for night-shift workers',
    'for new parents',
    'for retired sailors',
    'for people who have tried everything',
  ],
}

export const creative = [
  family(
    'creative/poem',
    [
      'Write [[form]] about [[subject]]. [[twist]]',
      'I would like [[form]] for [[person]], whose birthday is in [[month]]. It should be about [[subject]]. [[twist]]',
      'Imagine [[subject]] meets [[subject]]. Make [[form]] of it. [[twist]]',
    ],
    slots,
  ),
  family(
    'creative/story',
    [
      'Tell a short story about [[subject]], about [[int:150..600]] words. [[twist]]',
      'Write the opening of a story: [[subject]]. [[twist]] [[twist]]',
      'Continue this story in a [[tone]] voice: "On [[weekday]], [[person]] found [[product]] in the letter box." [[twist]]',
      'A bedtime story for [[person]] ([[int:4..9]]) with [[subject]] in it, please. [[twist]]',
    ],
    slots,
  ),
  family(
    'creative/copy',
    [
      'Brainstorm [[copy]] for [[product]] [[audience]]. [[twist]]',
      'We at [[company]] need [[copy]] for [[app]], [[audience]], [[tone]] in tone.',
      'Give me [[copy]] for a shop in [[city]] that sells only [[product]]. [[twist]]',
    ],
    slots,
  ),
]
