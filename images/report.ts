import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Architecture } from './oci/image.ts';
import type { TreeEntry } from './oci/tree.ts';
import type { BuiltImage, Release } from './release.ts';

const TRIALS = 5;

/** Writes the files of an image into a directory. Owners stay those of the caller. */
async function unpack(entries: readonly TreeEntry[], directory: string): Promise<void> {
  for (const entry of entries) {
    const path = join(directory, entry.path);
    if (entry.type === 'directory') await mkdir(path, { recursive: true });
    else if (entry.type === 'symlink') await symlink(entry.target, path);
    else await writeFile(path, entry.content, { mode: entry.mode });
  }
}

/** Runs the image's trial in its own root file system, read-only and without privileges. Resolves with milliseconds from start to end. */
function runTrial({ recipe, image }: BuiltImage, directory: string): Promise<number> {
  const [uid = '0', gid = '0'] = recipe.user.split(':');
  const words = ['--ro-bind', directory, '/', '--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp', '--unshare-all'];
  words.push('--uid', uid, '--gid', gid, '--cap-drop', 'ALL', '--die-with-parent', '--clearenv');
  words.push('--setenv', 'PATH', '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', '--setenv', 'HOME', '/tmp');
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn('bwrap', [...words, '--', ...recipe.entrypoint, ...recipe.trial], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (data: Buffer) => {
      said = (said + data.toString('utf8')).slice(-2000);
    });
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? resolve(performance.now() - began)
        : reject(new Error(`${recipe.title} for ${image.architecture} does not start: ${said.trim() || code}`)),
    );
  });
}

/** Median milliseconds of a start, the files being in the page cache; undefined when the image has no command that ends at once. */
export async function coldStart(built: BuiltImage): Promise<number | undefined> {
  if (built.recipe.trial.length === 0) return undefined;
  const directory = await mkdtemp(join(tmpdir(), 'osm-image-'));
  try {
    await unpack(built.entries, directory);
    const times: number[] = [];
    for (let count = 0; count < TRIALS; count += 1) times.push(await runTrial(built, directory));
    return times.sort((a, b) => a - b)[Math.floor(TRIALS / 2)];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/** Table of a release: names, sizes in megabytes (10⁶ bytes), and cold starts of what this machine can run. */
export async function reportRelease(release: Release, here: Architecture): Promise<string> {
  const rows: string[][] = [['IMAGE', 'ARCH', 'MB', 'MB COMPRESSED', 'START ms', 'DIGEST']];
  for (const built of release.images) {
    const { recipe, image } = built;
    const start = image.architecture === here ? await coldStart(built) : undefined;
    rows.push([
      recipe.title,
      image.architecture,
      megabytes(sum(image.layers.map((layer) => layer.contentBytes))),
      megabytes(sum(image.layers.map((layer) => layer.descriptor.size))),
      start === undefined ? '-' : start.toFixed(0),
      image.manifest.digest.slice(0, 'sha256:'.length + 12),
    ]);
  }
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const names = [...new Set(release.images.map(({ recipe }) => recipe))].flatMap(({ title, repositories, tags }) =>
    repositories.map((repository) => `${title}  ${repository}:${tags.join(',')}`),
  );
  const archives = Object.values(release.archives).map(
    (path) => `archive (docker load, osm local image load): ${path}`,
  );
  return `${[...lines, '', ...names, '', `OCI image layout, every architecture: ${release.layout}`, ...archives].join('\n')}\n`;
}
