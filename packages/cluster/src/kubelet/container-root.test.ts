import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bind, planRoot, type RootRequest, type RootView, resolveInRoot } from './container-root.ts';

/** A root made of paths; `a -> b` is a link. */
function viewOf(entries: readonly string[]): RootView {
  const links = new Map(entries.filter((e) => e.includes(' -> ')).map((e) => e.split(' -> ') as [string, string]));
  const paths = new Set(entries.filter((e) => !e.includes(' -> ')));
  return {
    kind: (path) =>
      links.has(path)
        ? 'link'
        : paths.has(path)
          ? 'file'
          : [...paths, ...links.keys()].some((p) => p.startsWith(`${path}/`))
            ? 'directory'
            : undefined,
    readlink: (path) => links.get(path) ?? '',
  };
}

const machine = viewOf([
  '/usr/bin/sh',
  '/usr/share/empty/x',
  '/bin -> usr/bin',
  '/etc/passwd',
  '/etc/shadow',
  '/etc/resolv.conf -> ../run/resolv.conf',
  '/etc/ssh/key',
  '/opt/tool/x',
]);
const bind = (source: string, target: string, kind: Bind['kind'] = 'directory', readOnly = false): Bind => ({
  source,
  target,
  kind,
  readOnly,
});
const request = (change: Partial<RootRequest>): RootRequest => ({
  rootfs: '/',
  view: machine,
  scratch: '/s',
  launcher: '/l',
  binds: [],
  hidden: ['/state'],
  secrets: { files: ['/etc/shadow'], directories: ['/etc/ssh'] },
  readOnly: false,
  workingDir: '/',
  ...change,
});
/** The operations on one target, in order. */
const on = (args: readonly string[], target: string): readonly string[] =>
  args.flatMap((a, i) =>
    a === target ? [`${args[i - 2]?.startsWith('--') ? `${args[i - 2]} ${args[i - 1]}` : args[i - 1]}`] : [],
  );

test('the machine is shown read-only and in part', () => {
  const { arguments: args } = planRoot(request({}));
  assert.deepEqual(on(args, '/usr').at(-1), '--ro-bind /usr');
  assert.deepEqual(on(args, '/bin'), ['--symlink usr/bin']);
  assert.ok(!args.includes('/home/user') && !args.includes('/srv/x'));
  assert.ok(args.join(' ').includes('--tmpfs /etc/ssh --remount-ro /etc/ssh'));
});

test('a mount point that the machine lacks is made in an overlay over its top-level directory only', () => {
  const plan = planRoot(request({ binds: [bind('/v', '/usr/local/data'), bind('/f', '/etc/resolv.conf', 'file')] }));
  assert.deepEqual(
    plan.overlays.map((o) => o.lower),
    ['/usr', '/etc'],
  );
  assert.ok(plan.directories.includes('/s/usr/upper/local/data'));
  assert.ok(plan.emptyFiles.includes('/s/etc/upper/resolv.conf'), 'a link is shadowed by a file');
  assert.ok(plan.emptyFiles.includes('/s/etc/upper/shadow'), 'the password file is shadowed');
  assert.deepEqual(on(plan.arguments, '/usr').at(-1), '--ro-bind /s/usr/merged');
});

test('/var/run is /run, parents are made for everybody, inner mounts come after outer ones', () => {
  const { arguments: args } = planRoot(
    request({
      binds: [
        bind('/inner', '/data/a/b'),
        bind('/outer', '/data/a'),
        bind('/token', '/var/run/secrets/x', 'directory', true),
      ],
    }),
  );
  assert.deepEqual(on(args, '/run/secrets/x'), ['--ro-bind /token']);
  assert.ok(
    args.indexOf('/run/secrets') < args.indexOf('/run/secrets/x') && args[args.indexOf('/run/secrets') - 1] === '--dir',
  );
  assert.ok(args.indexOf('/outer') < args.indexOf('/inner'));
});

test('the cluster state is masked in whatever bind would show it', () => {
  const { arguments: args } = planRoot(
    request({ hidden: ['/project/.osm', '/opt/tool/state'], binds: [bind('/project', '/app')] }),
  );
  assert.equal(args[args.indexOf('/app/.osm') - 1], '--tmpfs');
  assert.equal(args[args.indexOf('/opt/tool/state') - 1], '--tmpfs');
});

test('a directory that the machine does not have at the top is made for a bind', () => {
  const { arguments: args, overlays } = planRoot(
    request({ view: viewOf(['/usr/bin/sh', '/etc/passwd']), binds: [bind('/x', '/opt/osm')] }),
  );
  assert.deepEqual(
    overlays.map((o) => o.lower),
    ['/etc'],
  );
  assert.equal(args[args.indexOf('/opt') - 1], '--dir');
});

test('an image lies under one writable overlay; readOnly is applied last', () => {
  const plan = planRoot(
    request({
      rootfs: '/img',
      view: viewOf(['/bin/sh', '/var/run -> /run', '/etc/resolv.conf -> /nowhere']),
      readOnly: true,
      workingDir: '/app',
      binds: [bind('/t', '/var/run/secrets'), bind('/f', '/etc/resolv.conf', 'file')],
    }),
  );
  assert.deepEqual(
    plan.overlays.map((o) => o.lower),
    ['/img'],
  );
  assert.deepEqual(plan.arguments.slice(0, 3), ['--bind', '/s/root/merged', '/']);
  assert.deepEqual(on(plan.arguments, '/run/secrets'), ['--bind /t']);
  assert.deepEqual(plan.emptyFiles, ['/s/root/upper/etc/resolv.conf']);
  assert.deepEqual(plan.arguments.slice(-6), ['--dir', '/app', '--remount-ro', '/', '--chdir', '/app']);
});

test('links are followed inside the root only, and a circle ends', () => {
  const view = viewOf(['/a -> ../../b', '/b/c -> /d', '/d/x', '/loop -> /loop']);
  assert.equal(resolveInRoot('/a/c/e', view), '/d/e');
  assert.equal(typeof resolveInRoot('/loop/x', view), 'string');
});
