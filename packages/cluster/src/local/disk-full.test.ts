import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run } from '../node/run.ts';
import { insideNamespaces } from '../node/testing/inside.ts';
import { clusterUp } from './up.ts';

insideNamespaces(import.meta.url, () => {
  const disk = mkdtempSync(join(tmpdir(), 'osm-disk-'));
  const mount = (megabytes: number) => run('mount', ['-n', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', disk]);
  const unmount = () => run('umount', ['-n', disk]);
  after(() => rmSync(disk, { recursive: true }));

  test('a disk that is full from the start is named before anything is made', async () => {
    await mount(1);
    await assert.rejects(clusterUp({ name: 'a', home: join(disk, 'home') }), {
      name: 'RequirementError',
      message: /the disk that holds .* is full/,
    });
    assert.deepEqual(readdirSync(disk), []);
    await unmount();
  });

  test('a disk that gets full on the way is named, and nothing stays of the cluster', async () => {
    await mount(80);
    const fill = () => {
      mkdirSync(join(disk, 'home'), { recursive: true });
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(join(disk, 'filler'), Buffer.alloc((bavail - 4) * bsize));
    };
    const up = clusterUp({
      name: 'a',
      home: join(disk, 'home'),
      onProgress: ({ step }) => step === 'checks' && fill(),
    });
    await assert.rejects(up, {
      name: 'RequirementError',
      message: /is full: free some space, then: osm local up --name a/,
    });
    assert.deepEqual(
      readdirSync(join(disk, 'home')).filter((name) => name !== 'images'),
      [],
    );
    await unmount();
  });
});
