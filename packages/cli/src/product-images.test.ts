import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { imagesDirectory, readImages } from '@osm/cluster';
import { addProductImages } from './product-images.ts';
import { createTestMachine, type TestMachine } from './testing/machine.ts';

let machine: TestMachine;
beforeEach(() => {
  machine = createTestMachine();
});
afterEach(() => machine.end());

const CONTROLLER = 'openservicemesh/osm-controller:2.0.0';
const meaningOf = async (name: string): Promise<readonly string[] | undefined> =>
  (await readImages(imagesDirectory(machine.directory))).find((record) => record.name === name)?.entrypoint;

/** Writes the record that loading an archive writes. */
function load(repository: string, tag: string): void {
  const directory = imagesDirectory(machine.directory);
  mkdirSync(directory, { recursive: true });
  const key = createHash('sha256').update(`${repository}:${tag}`).digest('hex').slice(0, 32);
  const record = {
    ...{ name: `${repository.replace('docker.io/', '')}:${tag}`, repository, tag, id: `sha256:${'0'.repeat(64)}` },
    ...{ rootfs: machine.directory, mounts: [], env: {}, entrypoint: ['/loaded'], cmd: [], added: '' },
  };
  writeFileSync(join(directory, `${key}.json`), JSON.stringify(record));
}

test("the chart's images run from the checkout", async () => {
  await addProductImages(machine.directory);
  assert.match((await meaningOf(CONTROLLER))?.at(-1) ?? '', /control-plane\/src\/main\.ts$/);
  assert.deepEqual(await meaningOf('openservicemesh/init:2.0.0'), ['/bin/sh']);
});

test('an image that was loaded stays what it is; its neighbours do not', async () => {
  load('docker.io/openservicemesh/osm-controller', '2.0.0');
  await addProductImages(machine.directory);
  assert.deepEqual(await meaningOf(CONTROLLER), ['/loaded']);
  assert.match((await meaningOf('openservicemesh/osm-injector:2.0.0'))?.at(-1) ?? '', /main\.ts$/);
});

test('a loaded image of another release stands for that release only', async () => {
  load('docker.io/openservicemesh/osm-controller', '1.9.0');
  await addProductImages(machine.directory);
  assert.match((await meaningOf(CONTROLLER))?.at(-1) ?? '', /main\.ts$/);
});
