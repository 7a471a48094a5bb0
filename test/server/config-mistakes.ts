/** One mistake per configuration, with the place and the words it must be told with. */

type Env = Readonly<Record<string, string | undefined>>

/** A registry that works. */
export const GOOD = `providers:
  openai: { apiKey: k }
arms:
  openai/gpt-5: { tags: [large] }
  openai/gpt-5-mini: { tags: [small] }
`

/** One problem; ▶ stands before the character it must be told at. `good` puts a working registry in front. */
export interface Mistake {
  readonly title: string
  readonly text: string
  readonly good?: false
  readonly env?: Env
  readonly path: string
  readonly message: RegExp
}

export const MISTAKES: readonly Mistake[] = [
  {
    title: 'an unknown policy',
    text: 'models:\n  auto:\n    policy:\n      name: ▶thomson\n',
    path: 'models.auto.policy.name',
    message: /^unknown policy "thomson"; did you mean "thompson"\?$/,
  },
  {
    title: 'an unknown policy in short form',
    text: 'models: { auto: { policy: ▶thomson } }\n',
    path: 'models.auto.policy',
    message: /did you mean "thompson"/,
  },
  {
    title: 'an unknown key, with the nearest known one',
    text: 'models:\n  auto:\n    explore: true\n    ▶flor: 0.1\n',
    path: 'models.auto.flor',
    message: /^unknown key "flor"; did you mean "floor"\?$/,
  },
  {
    title: 'an embedding of a provider that is not there',
    text: 'features:\n  embedding: { provider: ▶opnai, model: e, dimensions: 384 }\n',
    path: 'features.embedding.provider',
    message: /^no provider "opnai"; did you mean "openai"\?$/,
  },
  {
    title: 'an embedding of a provider that has none',
    text: 'providers:\n  anthropic: { apiKey: k }\narms:\n  anthropic/m: { price: { inputUsdPerMtok: 1, outputUsdPerMtok: 1 } }\nfeatures:\n  embedding: { provider: ▶anthropic, model: e, dimensions: 384 }\n',
    good: false,
    path: 'features.embedding.provider',
    message: /^"anthropic" does not speak OpenAI's format/,
  },
  {
    title: 'more components than an embedding has dimensions',
    text: 'features:\n  embedding: { provider: openai, model: e, dimensions: 8, components: ▶12 }\n',
    path: 'features.embedding.components',
    message: /^must be at most dimensions, 8$/,
  },
  {
    title: 'an embedding without its dimensions',
    text: 'features:\n  ▶embedding: { provider: openai, model: e }\n',
    path: 'features.embedding.dimensions',
    message: /dimensions|required|missing/i,
  },
  {
    title: 'an unknown section',
    text: '▶experiments: {}\n',
    path: 'experiments',
    message: /^unknown key "experiments"; known here: providers, arms, models/,
  },
  {
    title: 'a duplicate key',
    text: 'server:\n  port: 1\n  host: h\n  ▶port: 2\n',
    path: 'server.port',
    message: /^duplicate key "port"$/,
  },
  {
    title: 'a name that would vanish in a plain object',
    text: 'aliases:\n  ▶__proto__: openai/gpt-5\n',
    path: 'aliases.__proto__',
    message: /cannot be a name/,
  },
  {
    title: 'a variable that is not set',
    text: `store:\n  url: http://db:8123\n  password: ▶\${DB_PASSWORD}\n`,
    path: 'store.password',
    message: /^environment variable DB_PASSWORD is not set; .*\$\{DB_PASSWORD:-default\}$/,
  },
  {
    title: 'a variable that every plain object seems to have',
    text: `server: { host: ▶"\${constructor}" }\n`,
    path: 'server.host',
    message: /^environment variable constructor is not set/,
  },
  {
    title: 'an unknown key that every plain object seems to have',
    text: 'models:\n  auto:\n    explore: true\n    ▶constructor: 0.1\n',
    path: 'models.auto.constructor',
    message: /^unknown key "constructor"/,
  },
  {
    title: 'a variable that is empty',
    text: `server: { host: ▶"\${HOST}" }\n`,
    env: { HOST: '' },
    path: 'server.host',
    message: /^environment variable HOST is not set/,
  },
  {
    title: 'a variable that is not one',
    text: `server: { host: ▶"\${HO ST}" }\n`,
    path: 'server.host',
    message: /written \$\{NAME\} or \$\{NAME:-default\}/,
  },
  {
    title: 'an arm of an unknown provider',
    good: false,
    text: 'providers: { openai: { apiKey: k } }\narms:\n  openai/gpt-5:\n  ▶opnai/gpt-5-mini: {}\n',
    path: 'arms.opnai/gpt-5-mini',
    message: /^unknown provider "opnai"; did you mean "openai"\?$/,
  },
  {
    title: 'an arm of a well-known provider that is not declared',
    good: false,
    text: 'providers: { openai: { apiKey: k } }\narms:\n  openai/gpt-5:\n  ▶groq/openai/gpt-oss-20b:\n',
    path: 'arms.groq/openai/gpt-oss-20b',
    message: /add "groq:" under providers/,
  },
  {
    title: 'an arm whose id has no slash',
    good: false,
    text: 'providers: { openai: }\narms:\n  ▶gpt-5: {}\n',
    path: 'arms.gpt-5',
    message: /must be provider\/model/,
  },
  {
    title: 'an arm without a known price',
    good: false,
    text: 'providers: { openai: }\narms:\n  ▶openai/gpt-99: {}\n',
    path: 'arms.openai/gpt-99',
    message: /no price is known/,
  },
  {
    title: 'half a price',
    good: false,
    text: 'providers: { openai: }\narms:\n  openai/gpt-99:\n    ▶price: { inputUsdPerMtok: 1 }\n',
    path: 'arms.openai/gpt-99.price.outputUsdPerMtok',
    message: /^missing; expected a number$/,
  },
  {
    title: 'no arms',
    good: false,
    text: 'providers: { openai: }\n▶arms:\n',
    path: 'arms',
    message: /^no arms/,
  },
  {
    title: 'a model of an unknown arm',
    text: 'models:\n  auto: { arms: [openai/gpt-5, ▶openai/gpt5] }\n',
    path: 'models.auto.arms[1]',
    message: /^unknown arm "openai\/gpt5"; did you mean "openai\/gpt-5"\?$/,
  },
  {
    title: 'a model with an empty list of arms',
    text: 'models:\n  auto:\n    arms: ▶[]\n',
    path: 'models.auto.arms',
    message: /must not be empty/,
  },
  {
    title: 'an arm that is listed twice',
    text: 'models:\n  auto:\n    arms:\n      - openai/gpt-5\n      - ▶openai/gpt-5\n',
    path: 'models.auto.arms[1]',
    message: /listed twice/,
  },
  {
    title: 'a tag that no arm has',
    text: 'models: { auto: { tags: [▶smal] } }\n',
    path: 'models.auto.tags[0]',
    message: /^no arm has the tag "smal"; did you mean "small"\?$/,
  },
  {
    title: 'a model with the name of an arm',
    text: 'models:\n  ▶openai/gpt-5: {}\n',
    path: 'models.openai/gpt-5',
    message: /also the id of an arm/,
  },
  {
    title: 'a policy that lacks a setting',
    text: 'models:\n  auto:\n    ▶policy: fixed\n',
    path: 'models.auto.policy',
    message: /^policy fixed needs "arm"$/,
  },
  {
    title: 'a width below 0',
    text: 'models: { auto: { policy: { name: linucb, alpha: ▶-1 } } }\n',
    path: 'models.auto.policy.alpha',
    message: /0/,
  },
  {
    title: 'a setting of a policy that takes none',
    text: 'models: { auto: { policy: { name: round-robin, ▶temperature: 1 } } }\n',
    path: 'models.auto.policy.temperature',
    message: /^"temperature" is a setting of softmax, not of round-robin$/,
  },
  {
    title: 'a setting of another policy',
    text: 'models: { auto: { policy: { name: thompson, ▶epsilon: 0.1 } } }\n',
    path: 'models.auto.policy.epsilon',
    message: /^"epsilon" is a setting of epsilon-greedy, not of thompson$/,
  },
  {
    title: 'a policy with an arm that the model has not',
    text: 'models: { m: { arms: [openai/gpt-5], policy: { name: fixed, arm: ▶openai/gpt-5-mini } } }\n',
    path: 'models.m.policy.arm',
    message: /not among the model's arms/,
  },
  {
    title: 'a named policy with an arm that the model has not',
    text: 'policies: { p: { name: fixed, arm: openai/gpt-5-mini } }\nmodels: { m: { arms: [openai/gpt-5], policy: ▶p } }\n',
    path: 'models.m.policy',
    message: /not among the model's arms/,
  },
  {
    title: 'a named policy with settings beside it',
    text: 'policies: { p: thompson }\nmodels: { m: { ▶policy: { name: p, epsilon: 0.1 } } }\n',
    path: 'models.m.policy',
    message: /^"p" has its settings under policies; write policy: p$/,
  },
  {
    title: 'weights that are all 0',
    text: 'policies: { p: { name: weighted, ▶weights: { openai/gpt-5: 0 } } }\n',
    path: 'policies.p.weights',
    message: /above 0/,
  },
  {
    title: 'a weight of an unknown arm',
    text: 'policies: { p: { name: weighted, weights: { openai/gpt-5: 1, ▶openai/gpt-4: 1 } } }\n',
    path: 'policies.p.weights.openai/gpt-4',
    message: /^unknown arm "openai\/gpt-4"; did you mean/,
  },
  {
    title: 'a policy named like a kind of policy',
    text: 'policies:\n  ▶thompson: { name: thompson }\n',
    path: 'policies.thompson',
    message: /choose another/,
  },
  {
    title: 'exchange rates and weights at once',
    text: 'models: { m: { ▶preferences: { quality: 1, usdPerQualityPoint: 1 } } }\n',
    path: 'models.m.preferences',
    message: /not both/,
  },
  {
    title: 'weights without quality',
    text: 'models: { m: { ▶preferences: { cost: 1 } } }\n',
    path: 'models.m.preferences',
    message: /quality above 0/,
  },
  {
    title: 'empty preferences',
    text: 'tenants: { t: { ▶preferences: {} } }\n',
    path: 'tenants.t.preferences',
    message: /^empty/,
  },
  {
    title: 'a number out of range',
    text: 'server:\n  port: ▶70000\n',
    path: 'server.port',
    message: /^must be ≤ 65535, got 70000$/,
  },
  {
    title: 'a floor of one',
    text: 'models: { m: { floor: ▶1 } }\n',
    path: 'models.m.floor',
    message: /^must be < 1, got 1$/,
  },
  {
    title: 'a fraction where a whole number is needed',
    text: 'server: { maxAttempts: ▶2.5 }\n',
    path: 'server.maxAttempts',
    message: /^expected a whole number, got 2.5$/,
  },
  {
    title: 'text where a number is needed',
    text: 'server: { port: ▶eighty }\n',
    path: 'server.port',
    message: /^expected a number, got text$/,
  },
  {
    title: 'a list where a map is needed',
    text: 'aliases: ▶[a, b]\n',
    path: 'aliases',
    message: /^expected a map, got a list$/,
  },
  {
    title: 'an unknown capability',
    text: 'models: { m: { constraints: { capabilities: [tools, ▶visoin] } } }\n',
    path: 'models.m.constraints.capabilities[1]',
    message: /^"visoin" is not one of streaming, .*; did you mean "vision"\?$/,
  },
  {
    title: 'an alias of nothing',
    text: 'models: { auto: }\naliases: { a: ▶atuo }\n',
    path: 'aliases.a',
    message: /^"atuo" is no arm, virtual model or alias; did you mean "auto"\?$/,
  },
  {
    title: 'an alias of itself',
    text: 'aliases: { a: ▶a }\n',
    path: 'aliases.a',
    message: /^goes in a circle: a → a$/,
  },
  {
    title: 'an alias with the name of a default model',
    text: 'aliases: { ▶auto/fast: openai/gpt-5 }\n',
    path: 'aliases.auto/fast',
    message: /also a virtual model/,
  },
  {
    title: 'a repeated class',
    text: 'classes: [code, chat, ▶code]\n',
    path: 'classes[2]',
    message: /"code" is listed twice/,
  },
  {
    title: 'a key in clear text',
    text: 'tenants:\n  t:\n    keys:\n      - ▶sk-clear\n',
    path: 'tenants.t.keys[0]',
    message: /^a key in clear text; write \$\{VARIABLE\}, or sha256:/,
  },
  {
    title: 'a malformed hash',
    text: 'tenants: { t: { keys: [▶"sha256:abc"] } }\n',
    path: 'tenants.t.keys[0]',
    message: /64 hex digits/,
  },
  {
    title: 'a key with a line end in it',
    text: `tenants: { t: { keys: [▶"\${K}"] } }\n`,
    env: { K: 'from-a-file\n' },
    path: 'tenants.t.keys[0]',
    message: /white space/,
  },
  {
    title: 'a key of two tenants',
    text: `tenants: { t: { keys: ["\${K}"] }, u: { keys: [▶"\${K}"] } }\n`,
    env: { K: 'the-same-key' },
    path: 'tenants.u.keys[0]',
    message: /also a key of tenant "t"/,
  },
  {
    title: 'a denied arm that does not exist',
    text: 'tenants: { t: { deny: [▶openai/gpt5] } }\n',
    path: 'tenants.t.deny[0]',
    message: /is no arm and no tag; did you mean "openai\/gpt-5"\?/,
  },
  {
    title: 'a provider nobody knows',
    good: false,
    text: 'providers:\n  openai:\n  ▶acme: {}\narms: { openai/gpt-5: }\n',
    path: 'providers.acme',
    message: /not a well-known provider; give its type/,
  },
  {
    title: 'a type nobody knows',
    good: false,
    text: 'providers: { openai: { type: ▶opneai } }\narms: { openai/gpt-5: }\n',
    path: 'providers.openai.type',
    message: /^unknown provider type "opneai"; did you mean "openai"\?$/,
  },
  {
    title: 'an upstream without an address',
    good: false,
    text: 'providers:\n  ▶acme: { type: openai-compatible }\narms: { acme/x: }\n',
    path: 'providers.acme',
    message: /needs a baseUrl/,
  },
  {
    title: 'credentials in an address',
    good: false,
    text: 'providers: { openai: { baseUrl: ▶"https://me:pw@h/v1" } }\narms: { openai/gpt-5: }\n',
    path: 'providers.openai.baseUrl',
    message: /without user, password/,
  },
  {
    title: 'a directory and a server at once',
    text: 'store: { url: http://db:8123, ▶dataDir: d }\n',
    path: 'store.dataDir',
    message: /excludes url/,
  },
  {
    title: 'a user of a directory',
    text: 'store: { ▶username: me }\n',
    path: 'store.username',
    message: /needs url/,
  },
  {
    title: 'a certificate of a directory',
    text: 'store: { ▶caFile: ca.pem }\n',
    path: 'store.caFile',
    message: /needs url/,
  },
  {
    title: 'a certificate of a server without TLS',
    text: 'store: { url: http://db:8123, ▶caFile: ca.pem }\n',
    path: 'store.caFile',
    message: /https/,
  },
  { title: 'an empty file', good: false, text: '▶', path: '', message: /^the file is empty/ },
  { title: 'only comments', good: false, text: '▶# nothing\n', path: '', message: /^the file is empty/ },
  { title: 'a list', good: false, text: '▶- a\n', path: '', message: /^expected a map/ },
  { title: 'no YAML', text: 'server: { port: 1\n▶models: {}\n', path: '', message: /^not YAML: / },
  { title: 'a tab', text: 'server:\n▶\tport: 1\n', path: '', message: /^not YAML: Tabs/ },
  {
    title: 'an unquoted variable in a list',
    text: 'tenants: { t: { keys: [$▶{K}] } }\n',
    path: '',
    message: /quote a variable: "\$\{NAME\}"$/,
  },
  {
    title: 'an alias that contains itself',
    text: 'models: { m: &m { arms: [▶*m] } }\n',
    path: 'models.m.arms[0]',
    message: /contains itself/,
  },
]
