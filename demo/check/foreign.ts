import { join } from 'node:path';
import { PRODUCT_ROOT } from '@osm/cli';
import { imageAdd, imagesDirectory } from '@osm/cluster';
import type { CheckContext, Claim } from './claim.ts';
import { claimThat } from './claim-failed.ts';
import { until } from './until.ts';

/** redis-commander, as npm brings it: somebody else's application, with its manifests for Kubernetes. */
const PACKAGE = join(PRODUCT_ROOT, 'node_modules', 'redis-commander');
const MANIFESTS = [
  'k8s/redis/deployment.yaml',
  'k8s/redis/service.yaml',
  'k8s/redis-commander/deployment.yaml',
  'k8s/redis-commander/service.yaml',
];
const NAMESPACE = 'redis-commander';
const PORT = 8081;
const ADMIN_PORT = 15000;
const PATIENCE_MS = 30_000;

/** The images of the manifests: the package itself on Node.js, and Debian's Redis, whose program goes by the name it is called. */
async function nameImages(home: string): Promise<void> {
  const directory = imagesDirectory(home);
  const node = join(PRODUCT_ROOT, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
  const redis = 'exec -a redis-server /usr/bin/redis-check-rdb "$@"';
  await imageAdd({
    directory,
    name: 'redis',
    command: ['/bin/bash', '-c', redis, 'redis-server'],
    defaultArguments: ['--protected-mode', 'no', '--save', '', '--dir', '/tmp'],
    user: '999:999',
  });
  await imageAdd({
    directory,
    name: 'ghcr.io/joeferner/redis-commander',
    mounts: [
      { source: join(PRODUCT_ROOT, 'node_modules'), target: '/opt/redis-commander/node_modules' },
      { source: node, target: '/opt/redis-commander/bin/node' },
    ],
    command: ['/bin/sh', '-c', START],
    user: '10000:10000',
  });
}

/** The package reads REDIS_HOSTS only through its image's entry point: `label:host:port` becomes options. */
const START = `set -eu
IFS=:; set -- $REDIS_HOSTS
cd /opt/redis-commander/node_modules/redis-commander
exec /opt/redis-commander/bin/node bin/redis-commander.js --noload --nosave --redis-label "$1" --redis-host "$2" --redis-port "$3"`;

async function setUpNamespace({ demo }: CheckContext): Promise<void> {
  await demo.kubectl(['create', 'namespace', NAMESPACE]);
  await demo.kubectl(['label', 'namespace', NAMESPACE, 'openservicemesh.io/monitored-by=osm']);
  await demo.kubectl(['annotate', 'namespace', NAMESPACE, 'openservicemesh.io/sidecar-injection=enabled']);
}

/** The two talk over the mesh only when a policy says so, like everybody. */
const POLICY = [
  {
    apiVersion: 'specs.smi-spec.io/v1alpha4',
    kind: 'TCPRoute',
    metadata: { name: 'redis', namespace: NAMESPACE },
    spec: { matches: { ports: [6379] } },
  },
  {
    apiVersion: 'access.smi-spec.io/v1alpha3',
    kind: 'TrafficTarget',
    metadata: { name: 'redis', namespace: NAMESPACE },
    spec: {
      destination: { kind: 'ServiceAccount', name: 'default', namespace: NAMESPACE },
      rules: [{ kind: 'TCPRoute', name: 'redis' }],
      sources: [{ kind: 'ServiceAccount', name: 'default', namespace: NAMESPACE }],
    },
  },
];

/**
 * What redis-commander shows of its Redis, and its sidecar's handshakes with it; undefined while there is nothing yet. The way is
 * opened anew for every look, as kubectl gives one up when the application does not listen yet.
 */
async function look({ demo }: CheckContext): Promise<{ version: string; handshakes: number } | undefined> {
  const way = await demo.forward(NAMESPACE, 'deploy/redis-commander', PORT, ADMIN_PORT);
  try {
    const reply = await fetch(`${way.url(PORT)}/apiv1/server/info`);
    const version = /"Redis version","value":"([^"]+)"/.exec(await reply.text())?.[1];
    const stats = await fetch(
      `${way.url(ADMIN_PORT)}/stats?filter=${encodeURIComponent('redis\\|6379\\.ssl\\.handshake')}`,
    );
    const handshakes = Number(/ssl\.handshake: (\d+)/.exec(await stats.text())?.[1] ?? 0);
    return version === undefined ? undefined : { version, handshakes };
  } finally {
    way.close();
  }
}

/** 9: an application that knows nothing of this project. */
export const foreign: Claim = {
  number: 9,
  title: "somebody else's unmodified manifests (redis-commander from npm, with Redis) run and are meshed",
  async verify(context) {
    const { demo } = context;
    await nameImages(demo.id.home);
    await setUpNamespace(context);
    await demo.kubectl(['apply', '-n', NAMESPACE, ...MANIFESTS.flatMap((file) => ['-f', join(PACKAGE, file)])]);
    await demo.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: POLICY }));
    for (const name of ['redis', 'redis-commander']) {
      await demo.kubectl(['rollout', 'status', `deployment/${name}`, '-n', NAMESPACE, '--timeout=60s']);
    }
    try {
      const { version, handshakes } = await until('redis-commander reads from Redis', PATIENCE_MS, () => look(context));
      claimThat(handshakes > 0, 'the connection to Redis does not go through the mesh: no handshake');
      return `redis-commander shows its Redis (${version}) over ${handshakes} mTLS connection(s) of the mesh`;
    } finally {
      await demo.kubectl(['delete', 'namespace', NAMESPACE, '--wait=false']);
    }
  },
};
