import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { findSubordinateRange, IdMapError } from '../node/id-map.ts';
import { checkRequirements, type Machine, thisMachine } from './requirements.ts';

const home = mkdtempSync(join(tmpdir(), 'osm-requirements-'));
after(() => rmSync(home, { recursive: true }));

const GOOD: Machine = {
  root: false,
  hasProgram: () => true,
  setting: () => undefined,
  idMap: () => undefined,
  probe: async () => {},
  freeBytes: () => 2 ** 40,
  isWritable: () => true,
};

const refused = (change: Partial<Machine>, message: RegExp, directory = join(home, 'new'), port = 0) =>
  assert.rejects(checkRequirements(directory, port, { ...GOOD, ...change }), { name: 'RequirementError', message });

test('this machine fulfils them, and nothing is made', async () => {
  await checkRequirements(join(home, 'a/b'), 0, thisMachine());
  assert.equal(existsSync(join(home, 'a')), false);
});

test('missing programs are named with the Debian packages that bring them', async () => {
  await refused(
    { hasProgram: (name) => !['bwrap', 'newuidmap', 'newgidmap', 'ip'].includes(name) },
    /^missing programs: bwrap, ip, newuidmap, newgidmap: install them: sudo apt-get install bubblewrap iproute2 uidmap$/,
  );
  await refused(
    { root: true, hasProgram: (name) => name !== 'nft' && name !== 'newuidmap' },
    /^missing programs: nft: install them: apt-get install nftables$/,
  );
});

test('each way to forbid user namespaces has its remedy', async () => {
  const setting = (path: string, value: string) => ({
    setting: (asked: string) => (asked === path ? value : undefined),
  });
  await refused(
    setting('user/max_user_namespaces', '0'),
    /user\.max_user_namespaces is 0.*sysctl -w user\.max_user_namespaces=/,
  );
  await refused(setting('kernel/unprivileged_userns_clone', '0'), /sysctl -w kernel\.unprivileged_userns_clone=1/);
  await refused(
    setting('kernel/apparmor_restrict_unprivileged_userns', '1'),
    /sysctl -w kernel\.apparmor_restrict_unprivileged_userns=0/,
  );
  await checkRequirements(home, 0, { ...GOOD, ...setting('kernel/unprivileged_userns_clone', '0'), root: true });
  await refused(
    { probe: () => Promise.reject(new Error('unshare: unshare failed: Operation not permitted')) },
    /does not allow user namespaces.*Operation not permitted/,
  );
  await refused(
    {
      idMap: () => {
        throw new IdMapError('/etc/subuid gives user x no ids');
      },
    },
    /subuid/,
  );
});

test('a missing kernel feature is named with its modules', async () => {
  await refused(
    { probe: () => Promise.reject(new Error('Error: Unknown device type.\nosm: network bridges (bridge)')) },
    /the kernel lacks network bridges \(bridge\) \(Error: Unknown device type\.\): .*modprobe -a bridge/,
  );
});

test('a taken port, a full disk, a directory that cannot be written', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  await refused({}, new RegExp(`port ${port} .*--port`), home, port);
  server.close();
  await refused({ freeBytes: () => 1000 }, /full \(0 MiB free, 64 MiB needed\).*OSM_LOCAL_HOME/);
  await refused({ isWritable: () => false }, new RegExp(`${home} cannot be written: set OSM_LOCAL_HOME`));
  await refused({}, /is not a directory/, '/etc/passwd/x');
});

test('subordinate ids are found by name or number, and must be enough', () => {
  const text = 'other:1:70000\nme:100000:1000\n1001:200000:65536\nme:300000:65536\n';
  assert.deepEqual(findSubordinateRange(text, 'me', 1001), { start: 200000, count: 65536 });
  assert.deepEqual(findSubordinateRange(text, 'me', 5), { start: 300000, count: 65536 });
  assert.equal(findSubordinateRange(text, 'you', 6), undefined);
});
