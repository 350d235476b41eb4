import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROOT, succeeded, TestCluster, until, Workplace } from './testing/cluster.ts';
import { type Outcome, run } from './testing/command.ts';
import { configMap, pod, STAY } from './testing/manifests.ts';

/** Text of a file, or nothing when its process has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Command lines and mounts of the machine's processes that name something. */
function traces(word: string): readonly string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && entry !== String(process.pid))
    .flatMap((pid) => ['cmdline', 'mountinfo'].map((file) => read(`/proc/${pid}/${file}`).replaceAll('\0', ' ')))
    .filter((text) => text.includes(word));
}

/** What a cluster could leave on the machine outside of its processes and files. */
async function machine(): Promise<string> {
  const listings = [['ip', '-o', 'link'], ['ip', 'netns'], ['nft', 'list', 'ruleset'], ['iptables-save']] as const;
  const outputs = listings.map(async ([program, ...args]) => {
    // Counters and flags of links change by themselves.
    const { stdout } = await run(program, args);
    return stdout.replace(/^#.*\n/gm, '').replace(/ (mtu|state|qlen) .*/g, '');
  });
  return [...(await Promise.all(outputs)), read('/proc/self/mounts')].join('\n');
}

describe('a machine that does not fit', () => {
  const place = new Workplace();
  after(() => place.end());
  const up = ['local', 'up', '--name', 'unfit'];

  /** `osm local up` after a preparation, in namespaces of its own. */
  const upAfter = (preparation: string, options: readonly string[] = ['--mount']): Promise<Outcome> => {
    const rights = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const line = `${preparation} && exec "$0" ${join(ROOT, 'packages/cli/bin/osm.mjs')} ${up.join(' ')}`;
    const args = [...new Set([...rights, ...options]), 'sh', '-c', line, process.execPath];
    return run('unshare', args, { env: place.env });
  };
  /** One line that says what to do, and nothing made. */
  const refused = ({ code, stdout, stderr }: Outcome, message: RegExp): void => {
    assert.deepEqual([code, stdout, existsSync(join(place.home, 'unfit'))], [1, '', false], stderr);
    assert.match(stderr, message);
    assert.match(stderr, /^osm: [^\n]*\n$/);
  };

  before(() => mkdirSync(place.home));

  test('a port that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    refused(await place.osm([...up, '--port', String(port)]), new RegExp(`port ${port} .* taken .*--port`));
    server.close();
  });

  test('a missing program', async () => {
    refused(
      await upAfter('mount --bind /dev/null "$(readlink -f "$(command -v bwrap)")"'),
      /missing programs: bwrap: install them: .*apt-get install bubblewrap$/m,
    );
  });

  test('no user namespaces', async () => {
    refused(
      await upAfter('echo 0 > /proc/sys/user/max_user_namespaces', ['--user', '--map-root-user']),
      /does not allow user namespaces \(user\.max_user_namespaces is 0\): run as root: sysctl -w/,
    );
  });

  test('a full disk, before and while a cluster runs', async () => {
    refused(await upAfter(`mount -t tmpfs -o size=1m t ${place.home}`), /is full .*free some, or set OSM_LOCAL_HOME/);
    const script = `mount -t tmpfs -o size=100m t ${place.home} && osm() { "$0" ${join(ROOT, 'packages/cli/bin/osm.mjs')} local "$@"; }
      osm up --name full >&2 && export KUBECONFIG=${place.home}/full/kubeconfig
      cat /dev/zero > ${place.home}/filler 2>/dev/null
      head -c 500000 /dev/zero | tr '\\0' x > /run/big
      kubectl create configmap big --from-file=/run/big 2>&1
      rm ${place.home}/filler; kubectl create configmap big --from-file=/run/big; osm down --name full`;
    const rights = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
    const mount = ['--mount', 'sh', '-c', `mount -t tmpfs t /run && ${script}`, process.execPath];
    const { stdout, stderr } = await run('unshare', [...rights, ...mount], { env: place.env });
    const [refusal, accepted, down] = stdout.trim().split('\n');
    assert.match(
      refusal ?? '',
      /state file .* cannot be written \(database or disk is full\): free disk space/,
      stderr,
    );
    assert.equal(accepted, 'configmap/big created');
    assert.equal(down, 'cluster full is gone');
  });

  test('a home that cannot be written', async () => {
    refused(
      await upAfter(`mount -t tmpfs -o ro t ${place.home}`),
      /cannot be written: set OSM_LOCAL_HOME to one that can/,
    );
    const under = await place.osm(up, { env: { OSM_LOCAL_HOME: '/etc/passwd/x' } });
    refused(under, /\/etc\/passwd is not a directory: set OSM_LOCAL_HOME/);
  });

  test('names and numbers that cannot be', async () => {
    for (const name of ['Upper', '../up', 'images', 'x'.repeat(41)]) {
      const { code, stderr } = await place.osm(['local', 'up', '--name', name]);
      assert.equal(code, 1);
      assert.match(stderr, /cannot be a cluster's name: use up to 40 lower-case letters, digits and dashes/);
    }
    const port = await place.osm([...up, '--port', '70000']);
    assert.match(port.stderr, /--port.*70000.*whole number from 1 to 65535/);
    assert.match(
      (await place.osm(['local', 'kubeconfig', '--name', 'unfit'])).stderr,
      /there is no cluster unfit: .*osm local up/,
    );
    assert.deepEqual(readdirSync(place.home), []);
  });
});

describe('clusters side by side', () => {
  const cluster = new TestCluster();
  after(() => cluster.end());

  test('each has objects of its own; one whose daemon is killed leaves nothing once it is brought down', async () => {
    const before = await machine();
    await cluster.up();
    succeeded(await cluster.osm(['local', 'up', '--name', 'second']), 'osm local up');
    const { KUBECONFIG: first } = cluster.env;
    await cluster.apply(`${configMap('mine', '{a: b}')}---${pod('stays', STAY)}`);
    await cluster.ready('pod/stays');
    cluster.env.KUBECONFIG = succeeded(
      await cluster.osm(['local', 'kubeconfig', '--name', 'second']),
      'kubeconfig',
    ).trim();
    assert.match(await cluster.fails('get', 'cm', 'mine'), /not found/);
    const status = JSON.parse((await cluster.osm(['local', 'status', '--output', 'json'])).stdout) as {
      name: string;
      pid: number;
    }[];
    assert.deepEqual(
      status.map(({ name }) => name),
      ['default', 'second'],
    );
    process.kill(status[0]?.pid ?? 0, 'SIGKILL');
    await until('the cluster is known to have crashed', async () =>
      /default\s+crashed/.test((await cluster.osm(['local', 'status'])).stdout),
    );
    assert.equal((await cluster.osm(['local', 'down'])).stdout, 'cluster default is gone\n');
    const directory = join(cluster.home, 'default');
    assert.deepEqual([existsSync(directory), traces(`${directory}/`)], [false, []]);
    await cluster.ok('get', 'nodes');
    succeeded(await cluster.osm(['local', 'down', '--all']), 'osm local down');
    assert.deepEqual(traces(cluster.home), []);
    assert.equal(await machine(), before);
    cluster.env.KUBECONFIG = first;
    assert.match(await cluster.fails('get', 'nodes'), /refused|no such file/);
  });
});

describe('objects that are wrong', () => {
  const cluster = new TestCluster();
  before(async () => {
    await cluster.up();
    succeeded(await cluster.osm(['install'], { env: cluster.env }), 'osm install');
    await cluster.ok('create', 'namespace', 'shop');
    succeeded(await cluster.osm(['namespace', 'add', 'shop'], { env: cluster.env }), 'osm namespace add');
    await cluster.ok('config', 'set-context', '--current', '--namespace=shop');
  });
  after(() => cluster.end());

  const refuses = async (manifest: string, message: RegExp): Promise<void> => {
    const { code, stderr } = await cluster.kubectl(['apply', '-f', '-'], manifest);
    assert.equal(code, 1);
    assert.match(stderr, message);
  };
  const target = (spec: string): string => `
apiVersion: access.smi-spec.io/v1alpha3
kind: TrafficTarget
metadata: {name: target}
spec:
  destination: {kind: ServiceAccount, name: server, namespace: shop}
  ${spec}
`;

  test('text that is no YAML, unknown kinds, unknown fields', async () => {
    await refuses('kind: [', /error (parsing|converting)/);
    await refuses('apiVersion: v1\nkind: Pot\nmetadata: {name: x}\n', /no matches for kind "Pot" in version "v1"/);
    await refuses(pod('odd', STAY).replace('image: sh', 'imgae: sh'), /unknown field "spec\.containers\[0\]\.imgae"/);
    await refuses(
      target('sources: [{kind: ServiceAccount, nmae: client, namespace: shop}]'),
      /unknown field "spec\.sources\[0\]\.nmae"/,
    );
    assert.equal(await cluster.ok('get', 'pods,traffictargets', '-o', 'name'), '');
  });

  test('a policy that names what is not there is accepted, and a Warning says what is missing', async () => {
    await cluster.apply(
      target(
        'sources: [{kind: ServiceAccount, name: client, namespace: shop}]\n  rules: [{kind: HTTPRouteGroup, name: missing}]',
      ),
    );
    await cluster.apply(
      'apiVersion: split.smi-spec.io/v1alpha4\nkind: TrafficSplit\nmetadata: {name: split}\nspec: {service: lost, backends: [{service: lost-v1, weight: 1}]}\n',
    );
    for (const said of [
      'TrafficTarget/target spec.rules[0].name: there is no HTTPRouteGroup missing',
      'TrafficSplit/split spec.service: there is no service lost in namespace shop',
      'TrafficSplit/split spec.backends[0].service: there is no service lost-v1 in namespace shop',
    ]) {
      await until(said, async () => {
        const events = await cluster.ok('events', '--types=Warning');
        return events.replace(/ +/g, ' ').includes(`Warning InvalidPolicy ${said}`);
      });
    }
  });

  test('without the injector pods of the mesh are refused, clearly, and come by themselves when it is back', async () => {
    const injector = ['-n', 'osm-system', 'deploy/osm-injector'];
    await cluster.ok('scale', '--replicas=0', ...injector);
    await cluster.ok('wait', '-n', 'osm-system', '--for=delete', 'pod', '-l', 'app=osm-injector', '--timeout=60s');
    await refuses(pod('alone', STAY), /failed calling webhook "osm-inject\.k8s\.io".*osm-injector\.osm-system\.svc/);
    await cluster.ok('create', 'deployment', 'shop', '--image=sh', '--', '/bin/sh', '-c', STAY);
    await until('an event', async () => /FailedCreate.*osm-inject/.test(await cluster.ok('get', 'events')));
    await cluster.ok('scale', '--replicas=1', ...injector);
    await cluster.ok('rollout', 'status', 'deploy/shop', '--timeout=60s');
    assert.match(await cluster.ok('get', 'pods', '-l', 'app=shop'), /shop-\S+\s+2\/2\s+Running/);
  });
});
