import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../../../../..', import.meta.url));
const USER = { name: 'osm-test', id: 61234, firstSubordinate: 700_000_000 };

/**
 * Runs a test file as an ordinary user, from root. The user and its subordinate ids exist only in a private mount namespace, where
 * the repository and the Node binary are bound at places that it can reach. Throws with the inner report when the tests fail.
 */
export async function runAsOrdinaryUser(file: string): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), 'osm-user-'));
  try {
    chmodSync(place, 0o755);
    for (const directory of ['repository', 'home']) mkdirSync(join(place, directory));
    writeFileSync(join(place, 'node'), '');
    const line = `${USER.name}:x:${USER.id}:`;
    writeFileSync(join(place, 'passwd'), `root:x:0:0::/root:/bin/sh\n${line}${USER.id}::${place}/home:/bin/sh\n`);
    writeFileSync(join(place, 'group'), `root:x:0:\n${line}\n`);
    writeFileSync(join(place, 'subids'), `${USER.name}:${USER.firstSubordinate}:65536\n`);
    writeFileSync(join(place, 'empty'), '');
    const script = `set -e; cd "$1"
touch /etc/subuid /etc/subgid
mount -n --bind "$2" repository; mount -n --bind "$3" node
mount -n --bind passwd /etc/passwd; mount -n --bind group /etc/group; mount -n --bind subids /etc/subuid; mount -n --bind subids /etc/subgid
chown ${USER.id}:${USER.id} home
exec setpriv --reuid ${USER.id} --regid ${USER.id} --clear-groups --inh-caps=-all --bounding-set=+all env HOME="$1/home" TMPDIR="$1/home" "$1/node" --test-reporter=spec "$1/repository/$4"`;
    const child = spawn(
      'unshare',
      [
        '--mount',
        '/bin/sh',
        '-c',
        script,
        'sh',
        place,
        REPOSITORY,
        process.execPath,
        relative(REPOSITORY, fileURLToPath(file)),
      ],
      {
        cwd: '/',
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, NODE_TEST_CONTEXT: '', XDG_RUNTIME_DIR: '' },
      },
    );
    let report = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        report += chunk.toString('utf8');
      });
    }
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    assert.equal(code, 0, report);
    assert.match(report, /pass [1-9]/);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
