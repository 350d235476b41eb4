import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ContainerConfigError, capabilities, WITHHELD, withheld } from './capabilities.ts';
import { fieldValue, resourceValue } from './downward.ts';
import { expand } from './environment.ts';
import { isMapped } from './id-range.ts';
import { identityOf, setprivArguments } from './identity.ts';
import { splitEnvironment } from './launcher.ts';
import { parseQuantity } from './quantity.ts';
import { aPod } from './testing/pods.ts';

const users = {
  passwd: 'root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/srv/app:/bin/sh\n',
  group: 'app:x:1001:\nextra:x:2000:app,other\n',
};
const app = { name: 'app' };

test('$(NAME) is replaced, $$ escapes, unknown names stay', () => {
  assert.equal(expand('$(A)-$$(A)-$(B)-$A-$', { A: '1' }), '1-$(A)-$(B)-$A-$');
});

test('quantities', () => {
  assert.deepEqual(
    ['500m', '64Mi', '1e3', '2', '1.5Gi', '10k'].map(parseQuantity),
    [0.5, 67_108_864, 1000, 2, 1_610_612_736, 10_000],
  );
  assert.equal(parseQuantity('lots'), undefined);
});

test('resources are divided and rounded up; an unset limit is the node', () => {
  const pod = aPod({
    containers: [{ name: 'app', resources: { limits: { cpu: '300m' }, requests: { memory: '100Mi' } } }],
  });
  const node = { hostIP: '', podIP: '', cpus: 4, memoryBytes: 8 * 2 ** 30 };
  const value = (resource: string, divisor?: string) =>
    resourceValue(pod, pod.spec.containers[0], { resource, ...(divisor ? { divisor } : {}) }, node);
  assert.deepEqual(
    [
      value('limits.cpu'),
      value('limits.cpu', '100m'),
      value('requests.memory', '1Mi'),
      value('requests.cpu', '1m'),
      value('limits.memory', '1Gi'),
    ],
    ['1', '3', '100', '300', '8'],
  );
  assert.throws(() => fieldValue(pod, 'spec.nothing', node), ContainerConfigError);
  assert.equal(
    fieldValue(aPod(pod.spec, undefined, { annotations: { 'a/b': 'say "hi"', c: '1' } }), 'metadata.annotations', node),
    'a/b="say \\"hi\\""\nc="1"',
  );
});

test('who a container runs as', () => {
  const who = (spec: Parameters<typeof aPod>[0], image?: string) => {
    const { uid, gid, groups, home } = identityOf(aPod(spec), spec.containers[0] ?? app, image, users);
    return [uid, gid, groups, home];
  };
  assert.deepEqual(who({ containers: [app] }), [0, 0, [], '/root']);
  assert.deepEqual(who({ containers: [app] }, 'app'), [1000, 1001, [2000], '/srv/app']);
  assert.deepEqual(who({ containers: [app] }, '5:6'), [5, 6, [], '/']);
  assert.deepEqual(who({ containers: [app], securityContext: { runAsUser: 1000, fsGroup: 7 } }), [
    1000,
    1001,
    [7, 2000],
    '/srv/app',
  ]);
  assert.deepEqual(
    who(
      {
        containers: [{ name: 'app', securityContext: { runAsUser: 9, runAsGroup: 8 } }],
        securityContext: { runAsUser: 1 },
      },
      'app',
    ),
    [9, 8, [], '/'],
  );
  assert.throws(() => who({ containers: [app], securityContext: { runAsNonRoot: true } }, 'app'), /non-numeric user/);
  assert.throws(
    () => who({ containers: [app], securityContext: { runAsNonRoot: true, runAsUser: 0 } }),
    /breaks non-root policy/,
  );
  assert.throws(() => who({ containers: [app] }, 'nobody-here'), /not in its \/etc\/passwd/);
});

test('capabilities: default, add, drop, privileged, unknown', () => {
  const names = (context: Parameters<typeof capabilities>[0]) => capabilities(context).names;
  assert.ok(names(undefined).includes('net_bind_service') && !names(undefined).includes('mknod'));
  assert.deepEqual(names({ capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'CAP_NET_RAW', 'SYS_ADMIN'] } }), [
    'net_admin',
    'net_raw',
  ]);
  assert.deepEqual(capabilities({ capabilities: { add: ['ALL'], drop: ['SYS_TIME'] } }), {
    kind: 'allBut',
    names: [...WITHHELD, 'sys_time'],
  });
  assert.deepEqual(capabilities({ privileged: true }), { kind: 'allBut', names: WITHHELD });
  assert.deepEqual(withheld({ capabilities: { add: ['CAP_SYS_ADMIN', 'CHOWN'] } }), ['CAP_SYS_ADMIN']);
  assert.throws(() => capabilities({ capabilities: { add: ['FLY'] } }), /unknown capability "FLY"/);
  const identity = identityOf(
    aPod({ containers: [app] }),
    { name: 'app', securityContext: { capabilities: { drop: ['ALL'], add: ['CHOWN'] } } },
    undefined,
    users,
  );
  assert.ok(setprivArguments(identity).includes('--bounding-set=-all,+chown'));
});

test('what steers a loader or shell never reaches a program with the privileges of the node', () => {
  const { plain, late } = splitEnvironment({
    PATH: '/bin',
    LD_PRELOAD: '/evil.so',
    SHELL: '/evil',
    GLIBC_TUNABLES: 'x',
    MY_LD_PATH: 'y',
  });
  assert.deepEqual(plain, { PATH: '/bin', MY_LD_PATH: 'y' });
  assert.deepEqual(late, ['LD_PRELOAD=/evil.so', 'SHELL=/evil', 'GLIBC_TUNABLES=x']);
});

test('ids outside the user namespace are known as such', () => {
  const map = '         0       1001          1\n         1     100000      65535\n';
  assert.deepEqual(
    [0, 1, 65_535, 65_536].map((id) => isMapped(id, map)),
    [true, true, true, false],
  );
});
