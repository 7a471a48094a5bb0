import { family } from '../template.ts'
import { WORDS } from './words.ts'

const slots = {
  ...WORDS,
  situation: [
    'my flatmate keeps leaving dishes in the sink',
    'my manager moved our one-to-one for the third time',
    'a neighbour practises the drums every evening around nine',
    'my cousin asked to borrow money again',
    'a friend cancelled our trip two days before leaving',
    'my team lead took credit for a slide deck I made',
    'my landlord wants to visit without notice',
    'a colleague replies to every message with a thumbs-up and nothing else',
  ],
  hobby: [
    'baking sourdough',
    'bouldering',
    'watercolour painting',
    'bird watching',
    'open-water swimming',
    'playing the ukulele',
    'chess',
    'film photography',
    'growing chillies on a balcony',
  ],
  constraint: [
    'with about two hours a week',
    'on a very small budget',
    'in a flat with no balcony',
    'with a toddler around',
    'after years of doing nothing like it',
    'together with my dad, who is seventy',
  ],
  fact: [
    'how a heat pump differs from an air conditioner',
    'what the little hole in an aeroplane window is for',
    'the difference between baking soda and baking powder',
    'how long an opened jar of pesto keeps',
    'what makes leaves change colour in autumn',
    'how noise cancelling headphones work',
    'what the numbers on a tyre mean',
    'whether cats can see in total darkness',
    'how a mortgage offset account works',
    'what the letters on an eye chart measure',
  ],
  who: [
    'for my sister, who loves hiking',
    'for a colleague I barely know',
    'for my grandmother, who has everything',
    'for a ten-year-old who reads a lot',
    'for our yoga teacher',
    'for a friend who just moved house',
  ],
  meal: [
    'chickpeas, spinach and half a lemon',
    'leftover rice and three eggs',
    'a cauliflower and some yoghurt',
    'two courgettes and feta',
    'lentils and a tin of tomatoes',
    'tofu, noodles and peanut butter',
  ],
  mood: [
    'Honestly I am a bit annoyed.',
    'No drama, just curious.',
    'I do not want to make it awkward.',
    'Keep it short please.',
    'I have slept badly, so be gentle.',
    '',
  ],
}

export const chat = [
  family(
    'chat/advice',
    [
      'Hi! [[situation]]. What would you say to them? [[mood]]',
      'Hey, [[situation]]. Am I overreacting? [[mood]]',
      'I need a second opinion: [[situation]], and I would like to bring it up on [[weekday]]. How do I start? [[mood]]',
      'So [[situation]]. Write me two or three sentences I could send, [[tone]] in tone.',
    ],
    slots,
  ),
  family(
    'chat/ideas',
    [
      'I want to get into [[hobby]] [[constraint]]. Where do I begin?',
      'Any gift ideas [[who]]? Around [[int:15..90]] euros.',
      'I have [[meal]] in the kitchen. Dinner for [[int:2..5]], please, nothing fancy.',
      'We have one free day in [[city]] in [[month]]. What should we do if it rains?',
      'Suggest three names for [[app]] that sound [[tone]].',
    ],
    slots,
  ),
  family(
    'chat/small-facts',
    [
      'Quick one: do you know [[fact]]?',
      'My kid asked me [[fact]] and I had no answer. Can you put it simply?',
      'Random question: could you explain [[fact]]? Two or three sentences are enough.',
      'Could you tell me [[fact]]? I am [[person]], by the way, nice to meet you.',
    ],
    slots,
  ),
]
