import { family } from '../template.ts'
import { WORDS } from './words.ts'

const slots = {
  ...WORDS,
  western: ['French', 'German', 'Spanish', 'Italian', 'Portuguese', 'Dutch', 'Polish'],
  eastern: ['Japanese', 'Chinese', 'Korean', 'Hindi', 'Vietnamese', 'Arabic', 'Turkish'],
  sentence: [
    'Please keep the receipt; without it we can neither exchange nor repair the item.',
    'The meeting point is at the second exit, next to the bakery with the blue awning.',
    'Your parcel was handed to a neighbour on the [[int:1..6]]th floor at [[int:9..18]]:[[int:10..55]].',
    'We are sorry that the tour in [[city]] had to be cancelled because of the storm.',
    'Do not open the lid while the red light is on, and let the pan cool for [[int:5..20]] minutes.',
    'If you have booked for [[month]], you may change the date once free of charge.',
    'Our workshop is closed on [[weekday]]; in urgent cases call [[person]].',
    'It is raining cats and dogs, so bring a good jacket and a sense of humour.',
    'The tenant shall give notice of at least [[int:2..6]] months in writing.',
    'Add the remaining flour a spoonful at a time until the dough no longer sticks.',
  ],
  foreign: [
    'Wir haben Ihre Bestellung vom [[int:1..28]]. März erhalten und melden uns, sobald die Ware unser Lager verlässt.',
    'La réunion est reportée à jeudi, car la salle du [[int:1..5]]e étage est en travaux.',
    'El plazo para presentar la solicitud termina dentro de [[int:3..20]] días hábiles.',
    'Il treno per Bergamo è in ritardo di [[int:10..90]] minuti per un guasto alla linea.',
    'Prosimy o wypełnienie formularza i odesłanie go najpóźniej do [[int:2..28]] maja.',
    'Gelieve uw fiets niet tegen het hek te plaatsen; de doorgang moet vrij blijven.',
    '会議は[[int:1..9]]月に延期されましたので、資料は来週お送りします。',
    '请在入住前[[int:1..5]]天确认您的预订，否则房间可能会被取消。',
    '주문하신 상품은 [[int:2..9]]일 이내에 도착할 예정입니다.',
    'Toplantı [[int:2..9]] gün ertelendi, yeni saat size ayrıca bildirilecek.',
  ],
  register: [
    'formal',
    'informal',
    'for a sign',
    'for a legal letter',
    'for children',
    'as a native speaker would say it',
  ],
}

export const translation = [
  family(
    'translation/into-european',
    [
      'Translate into [[western]]: "[[sentence]]"',
      'Translate the following into [[western]], [[register]]:\n\n[[sentence]] [[sentence]]',
      'Please translate this notice of [[company]] to [[western]] and [[western]]:\n\n[[sentence]]\n[[sentence]]\n[[sentence]]',
    ],
    slots,
  ),
  family(
    'translation/into-asian',
    [
      'Translate into [[eastern]], [[register]]: "[[sentence]]"',
      'How do you say in [[eastern]]: "[[sentence]]"? Give a translation of each part as well.',
      'Translate to [[eastern]] for the website of [[company]]:\n\n[[sentence]] [[sentence]]',
    ],
    slots,
  ),
  family(
    'translation/to-english',
    [
      'Translate into English: "[[foreign]]"',
      'What does this mean? Please translate it into English, [[register]].\n\n[[foreign]]\n[[foreign]]',
      'Translate these three lines into [[western]] and into English:\n1. [[foreign]]\n2. [[foreign]]\n3. [[foreign]]',
    ],
    slots,
  ),
]
