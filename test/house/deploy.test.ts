/** What docs/deploy names exists: the files parse, their configurations load, and the parts agree with one another. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'yaml'
import { loadRegistry } from '../../server/index.ts'
import { repositoryRoot } from './tree.ts'

interface Service {
  readonly image: string
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>
  readonly configs?: readonly { readonly source: string }[]
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly configs?: Readonly<Record<string, { readonly content: string }>>
}

const folder = join(repositoryRoot, 'docs', 'deploy')
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
const keys = {
  OPENAI_API_KEY: 'a',
  ANTHROPIC_API_KEY: 'b',
  HIGHWAYMAN_KEY: 'c',
  HIGHWAYMAN_ADMIN_KEY: 'd',
  CLICKHOUSE_PASSWORD: 'e',
}

for (const name of ['docker-compose.yaml', 'docker-compose.cluster.yaml']) {
  describe(name, () => {
    const compose = parse(read(name), { merge: true }) as Compose
    const services = Object.entries(compose.services)
    const gateways = services.filter(([service]) => service.startsWith('highwayman'))

    test('every service has an image of a stated version, and what it mounts or waits for is there', () => {
      assert.ok(gateways.length >= 2)
      for (const [
        service,
        { image, build, volumes = [], depends_on: needs = [], configs = [] },
      ] of services) {
        if (build === undefined)
          assert.match(image, /^clickhouse\/clickhouse-(server|keeper):\d+\.\d+$/, service)
        else assert.ok(existsSync(join(folder, build.context, build.dockerfile)), service)
        for (const volume of volumes) {
          const [source = ''] = volume.split(':')
          assert.ok(
            source.startsWith('./') ? existsSync(join(folder, source)) : source in compose.volumes,
            volume,
          )
        }
        for (const need of Array.isArray(needs) ? needs : Object.keys(needs))
          assert.ok(need in compose.services, need)
        for (const { source } of configs) assert.ok(source in (compose.configs ?? {}), source)
      }
    })

    test('nothing listens beyond this machine', () => {
      for (const [service, { ports = [] }] of services) {
        for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:8787$/, service)
      }
    })

    test('every gateway’s configuration loads, and names a ClickHouse that is there', () => {
      for (const [service, { environment = {}, volumes = [] }] of gateways) {
        const file = /^\.\/(\S+):\/etc\/highwayman\.yaml/.exec(volumes[0] ?? '')?.[1] ?? ''
        const asked = Object.keys(keys).filter((key) => !(key in environment))
        assert.deepEqual(asked, [], `${service} is not given these variables`)
        const given = Object.fromEntries(Object.entries(environment).filter(([key]) => !(key in keys)))
        const registry = loadRegistry({ path: join(folder, file), env: { ...given, ...keys } })
        assert.ok(registry?.store.kind === 'remote')
        assert.ok(new URL(registry.store.url).hostname in compose.services, registry.store.url)
        assert.equal(registry.server.port, 8787)
        assert.equal(registry.adminKeySha256?.length, 1)
        if (name.includes('cluster')) {
          assert.match(
            compose.configs?.['cluster']?.content ?? '',
            new RegExp(`<${registry.store.cluster?.name}>`),
          )
        } else assert.equal(registry.store.cluster, undefined)
      }
    })
  })
}

test('the cluster’s servers have the macros that tables are named by, and replicate by themselves', () => {
  const { services, configs } = parse(read('docker-compose.cluster.yaml'), { merge: true }) as Compose
  const xml = configs?.['cluster']?.content ?? ''
  for (const macro of ['shard', 'replica'])
    assert.match(xml, new RegExp(`<${macro} from_env="${macro.toUpperCase()}"/>`))
  assert.match(xml, /<internal_replication>true<\/internal_replication>/)
  const hosts = [...xml.matchAll(/<replica><host>([\w-]+)<\/host>/g)].map(([, host = '']) => host)
  assert.deepEqual(
    hosts,
    Object.keys(services).filter((service) => service.startsWith('clickhouse')),
  )
  for (const host of hosts) assert.equal(services[host]?.environment?.['REPLICA'], host)
  const open = [...xml.matchAll(/<(\w+)(?: [^>]*)?(?<!\/)>/g)].map(([, tag]) => tag)
  const closed = [...xml.matchAll(/<\/(\w+)>/g)].map(([, tag]) => tag)
  assert.deepEqual(open.toSorted(), closed.toSorted())
})

test('a pod has time to leave, to drain and to write, is probed where it says how it is, and has its configuration', () => {
  const parts = read('kubernetes.yaml')
    .split(/^---$/m)
    .map((part) => parse(part))
  const part = (kind: string) => parts.find((one) => one.kind === kind)
  const { template, volumeClaimTemplates: claims } = part('StatefulSet').spec
  const [container] = template.spec.containers
  const scratch = mkdtempSync(join(tmpdir(), 'highwayman-deploy-'))
  try {
    const file = join(scratch, 'highwayman.yaml')
    writeFileSync(file, part('ConfigMap').data['highwayman.yaml'])
    const registry = loadRegistry({
      path: file,
      env: { ...keys, CLICKHOUSE_URL: 'https://db.example.com:8443' },
    })
    assert.ok(registry !== undefined)
    const { shutdownDelayMs = 0, drainMs, port, host } = registry.server
    assert.ok(shutdownDelayMs > 0)
    assert.ok(template.spec.terminationGracePeriodSeconds * 1_000 >= shutdownDelayMs + drainMs + 15_000)
    assert.equal(host, '0.0.0.0')
    assert.deepEqual(container.ports, [{ name: 'http', containerPort: port }])
    const mounts = new Map(
      container.volumeMounts.map((mount: { name: string; mountPath: string }) => [
        mount.name,
        mount.mountPath,
      ]),
    )
    assert.ok(registry.store.spool?.directory.startsWith(`${mounts.get(claims[0].metadata.name)}/`))
    assert.equal(template.spec.volumes[0].configMap.name, part('ConfigMap').metadata.name)
    assert.deepEqual(container.args, ['serve', '--config', `${mounts.get('config')}/highwayman.yaml`])
  } finally {
    rmSync(scratch, { recursive: true })
  }
  assert.equal(container.readinessProbe.httpGet.path, '/readyz')
  assert.equal(container.livenessProbe.httpGet.path, '/healthz')
  assert.deepEqual(part('Service').spec.selector, template.metadata.labels)
})

test('the Dockerfile copies what there is, all that the program imports, and starts a command', () => {
  const dockerfile = read('Dockerfile')
  const copied = [...dockerfile.matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, sources = '']) =>
    sources.split(' '),
  )
  for (const source of copied) assert.ok(existsSync(join(repositoryRoot, source)), source)
  const build = JSON.parse(readFileSync(join(repositoryRoot, 'tsconfig.build.json'), 'utf8')) as {
    include: string[]
  }
  for (const part of build.include) assert.ok(copied.includes(part), `${part} is not copied`)
  assert.match(dockerfile, /^ENTRYPOINT \["node", "\/app\/cli\.ts"\]$/m)
  assert.match(dockerfile, /^CMD \["serve", /m)
})
