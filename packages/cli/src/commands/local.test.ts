import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { runCommandLine } from '../testing/command-line.ts';
import { createTestMachine, SERVER, type TestMachine } from '../testing/machine.ts';

let machine: TestMachine;
beforeEach(() => {
  machine = createTestMachine();
});
afterEach(() => machine.end());

test('an image is added and listed', async () => {
  const added = await runCommandLine([
    ...['local', 'image', 'add', 'shop/web:1', '--env', 'MODE=test', '-e', 'EMPTY=', '--user', '1000:1000'],
    ...['--workdir', '/srv', '--mount', `${machine.directory}:/opt/shop`, '--', 'python3', '-m', 'http.server', '8080'],
  ]);
  assert.equal(added.error, undefined);
  assert.equal(added.output, 'image shop/web:1 runs python3 -m http.server 8080\n');
  const { output } = await runCommandLine('local image list');
  assert.equal(
    output,
    `NAME         ROOT FILE SYSTEM   COMMAND
shop/web:1   /                  python3 -m http.server 8080
`,
  );
});

test('an image of a directory needs no command', async () => {
  const rootfs = join(machine.directory, 'root');
  mkdirSync(rootfs);
  const { output } = await runCommandLine(['local', 'image', 'add', 'shop/api', '--rootfs', rootfs]);
  assert.equal(output, `image shop/api runs what ${rootfs} holds\n`);
});

test('adding a name again changes its meaning', async () => {
  await runCommandLine('local image add shop/web -- true');
  await runCommandLine('local image add shop/web -- false');
  const { output } = await runCommandLine('local image list');
  assert.match(output, /^shop\/web .*false$/m);
  assert.doesNotMatch(output, /true/);
});

test('an image is removed', async () => {
  await runCommandLine('local image add shop/web:1 -- true');
  assert.equal((await runCommandLine('local image remove shop/web:1')).output, 'image shop/web:1 is removed\n');
  assert.match((await runCommandLine('local image remove shop/web:1')).error ?? '', /shop\/web:1 has no meaning here/);
});

test('without images the list is empty', async () => {
  assert.equal((await runCommandLine('local image list')).output, 'NAME   ROOT FILE SYSTEM   COMMAND\n');
});

const REFUSED: readonly (readonly [what: string, words: string, message: RegExp])[] = [
  [
    'an image without a command',
    'image add shop/web',
    /image shop\/web: write the command after --: osm local image add shop\/web --/,
  ],
  ['a name that is none', 'image add Shop/Web! -- true', /"Shop\/Web!" is not an image name/],
  [
    'an environment without a value',
    'image add shop/web -e MODE -- true',
    /--env <name=value>' argument 'MODE' is invalid\. give NAME=VALUE/,
  ],
  [
    'a mount without a target',
    'image add shop/web --mount /srv -- true',
    /argument '\/srv' is invalid\. give SOURCE:TARGET/,
  ],
  [
    'a mount of what is not there',
    'image add shop/web --mount /no/such:/srv -- true',
    /image shop\/web: \/no\/such, to be mounted at \/srv/,
  ],
  ['an archive that is not there', 'image load nowhere.tar', /nowhere\.tar/],
  ['a port that is none', 'up --port 70000', /argument '70000' is invalid\. give a whole number from 1 to 65535/],
  ['no nodes', 'up --hollow 0', /argument '0' is invalid\. give a whole number from 1 to 10000/],
  ["a cluster's name that is none", 'kubeconfig --name Big!', /"Big!" cannot be a cluster's name/],
  [
    'the kubeconfig of no cluster',
    'kubeconfig --name second',
    /there is no cluster second: bring it up with: osm local up --name second/,
  ],
  ['a format that there is not', 'status --output yaml', /'yaml' is invalid\. Allowed choices are table, json/],
];
for (const [what, words, message] of REFUSED) {
  test(`${what} is refused`, async () => {
    const { error, code } = await runCommandLine(`local ${words}`);
    assert.match(error ?? '', message);
    assert.equal(code, 1);
  });
}

test('status tells of the clusters, or how to get one', async () => {
  assert.equal((await runCommandLine('local status')).output, 'there is no cluster: bring one up with: osm local up\n');
  assert.equal((await runCommandLine('local status --output json')).output, '[]\n');
  machine.addRunningCluster(SERVER);
  const { output } = await runCommandLine('local status');
  const kubeconfig = join(machine.directory, 'clusters', 'default', 'kubeconfig');
  assert.deepEqual(output.split('\n')[1]?.split(/ {3,}/), [
    'default',
    'running',
    SERVER,
    String(process.pid),
    kubeconfig,
  ]);
  const [status] = JSON.parse((await runCommandLine('local status --output json')).output);
  assert.equal(status.state, 'running');
  assert.equal((await runCommandLine('local kubeconfig')).output, `${kubeconfig}\n`);
});

test('ending a cluster that there is not is no error', async () => {
  assert.equal((await runCommandLine('local down --name second')).output, 'there is no cluster second\n');
  const all = await runCommandLine('local down --all');
  assert.equal(all.error, undefined);
  assert.equal(all.output, 'there is no cluster: nothing to end\n');
});
