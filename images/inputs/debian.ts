import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract } from 'tar-stream';
import type { Component, Part } from '../component.ts';
import type { Architecture } from '../oci/image.ts';
import { directory, file, symlink, type TreeEntry } from '../oci/tree.ts';
import { MissingInput, run } from './run.ts';

/** A Debian package, and which of its files an image takes. */
export interface WantedPackage {
  readonly name: string;
  /** Of paths without leading slash, `/usr` merged; its copyright file comes always. */
  readonly files: RegExp;
}

/** Directories that are links into /usr since Debian 12 (usr-merge). */
const MERGED = ['bin', 'sbin', 'lib', 'lib64'] as const;

/** The links of {@link MERGED}, and lib64 where the architecture's loader lives there. */
export const usrMerge = (architecture: Architecture): readonly TreeEntry[] =>
  MERGED.filter((name) => name !== 'lib64' || architecture === 'amd64').flatMap((name) => [
    directory(`usr/${name}`),
    symlink(name, `usr/${name}`),
  ]);

/**
 * Packages of the distribution that this machine runs, for any architecture it has: fetched and checked by APT into a directory of its own,
 * which needs no root and leaves the machine's packages alone. What was fetched once is taken again.
 */
export class DebianPackages {
  private readonly directory: string;
  private readonly architecture: Architecture;
  private listed = false;

  constructor(cache: string, architecture: Architecture) {
    this.directory = join(cache, 'debian', architecture);
    this.architecture = architecture;
  }

  /** The chosen files of packages. Rejects with {@link MissingInput}. */
  async take(title: string, wanted: readonly WantedPackage[]): Promise<Part> {
    const missing = wanted.filter(({ name }) => this.archiveOf(name) === undefined).map(({ name }) => name);
    if (missing.length > 0) await this.fetch(missing);
    const parts = await Promise.all(wanted.map((each) => this.unpack(each)));
    return {
      title,
      entries: parts.flatMap(({ entries }) => entries),
      components: parts.map(({ component }) => component),
    };
  }

  private archiveOf(name: string): string | undefined {
    if (!existsSync(this.directory)) return undefined;
    const names = namesOf(name).map((each) => `${each}_`);
    const found = readdirSync(this.directory).filter(
      (each) => each.endsWith('.deb') && names.some((start) => each.startsWith(start)),
    );
    const [only] = found;
    if (found.length > 1)
      throw new MissingInput(`${this.directory} holds more than one version of ${name}: remove what is too old`);
    return only === undefined ? undefined : join(this.directory, only);
  }

  private async fetch(names: readonly string[]): Promise<void> {
    const state = join(this.directory, 'apt');
    await mkdir(join(state, 'lists', 'partial'), { recursive: true });
    await mkdir(join(state, 'archives', 'partial'), { recursive: true });
    await writeFile(join(state, 'status'), '');
    const sources = ['debian.sources', 'ubuntu.sources']
      .map((each) => `/etc/apt/sources.list.d/${each}`)
      .find((each) => existsSync(each));
    const settings = {
      'APT::Architecture': this.architecture,
      'APT::Architectures': this.architecture,
      'APT::Sandbox::User': '',
      'Acquire::Languages': 'none',
      'Dir::State': state,
      'Dir::State::status': join(state, 'status'),
      'Dir::Cache': state,
      'Dir::Etc::sourcelist': sources ?? '/etc/apt/sources.list',
      'Dir::Etc::sourceparts': '-',
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    const remedy = `Debian or Ubuntu with sources for ${this.architecture} is needed to build images for ${this.architecture}.`;
    if (!this.listed) await run('apt-get', [...options, '--quiet', '--error-on=any', 'update'], { remedy });
    this.listed = true;
    const download = (...each: readonly string[]) =>
      run('apt-get', [...options, '--quiet', 'download', ...each], { cwd: this.directory, remedy });
    await download(...names).catch(async () => {
      for (const name of names) {
        const [first = name, second = name] = namesOf(name);
        await download(first).catch(() => download(second));
      }
    });
  }

  private async unpack(wanted: WantedPackage): Promise<{ entries: readonly TreeEntry[]; component: Component }> {
    const { files } = wanted;
    const archive = this.archiveOf(wanted.name);
    if (archive === undefined) throw new MissingInput(`APT brought no package ${wanted.name} for ${this.architecture}`);
    const remedy = 'Debian or Ubuntu is needed to build images: dpkg-deb unpacks the packages.';
    const control = await run('dpkg-deb', ['--field', archive], { remedy });
    const field = (title: string): string => new RegExp(`^${title}: (.*)$`, 'm').exec(String(control))?.[1] ?? '';
    const name = field('Package');
    const entries: TreeEntry[] = [];
    const tar = extract();
    const read = (async () => {
      for await (const entry of tar) {
        const { type, linkname, mode } = entry.header;
        const path = merged(entry.header.name);
        const chunks: Buffer[] = [];
        for await (const chunk of entry) chunks.push(chunk as Buffer);
        if (!files.test(path) && path !== `usr/share/doc/${name}/copyright`) continue;
        if (type === 'file') entries.push(file(path, Buffer.concat(chunks), (mode ?? 0o644) & 0o755));
        else if (type === 'symlink') entries.push(symlink(path, linkname ?? ''));
        else if (type === 'link') throw new MissingInput(`${name}: ${path} is a hard link, which is not expected`);
      }
    })();
    const content = await run('dpkg-deb', ['--fsys-tarfile', archive], { remedy });
    await Promise.all([pipeline(Readable.from([content]), tar), read]);
    // Scanners of images look here for what is installed where there is no package manager.
    entries.push(file(`var/lib/dpkg/status.d/${name}`, control));
    const version = field('Version');
    return {
      entries,
      component: {
        name,
        version,
        license: 'NOASSERTION',
        purl: `pkg:deb/${distribution()}/${name}@${encodeURIComponent(version)}?arch=${field('Architecture')}`,
        sha256: createHash('sha256').update(readFileSync(archive)).digest('hex'),
      },
    };
  }
}

/** A library's package may have been renamed when its time became 64 bits wide (Debian 13, Ubuntu 24.04). */
const namesOf = (name: string): readonly string[] => [name, `${name}t64`];

/** A path of a package, relative to the root, where /lib and the like are /usr/lib and the like. */
function merged(name: string): string {
  const path = posix
    .normalize(name)
    .replace(/^\.?\//, '')
    .replace(/\/$/, '');
  const [first = ''] = path.split('/');
  return (MERGED as readonly string[]).includes(first) && path.includes('/') ? `usr/${path}` : path;
}

/** `debian` or `ubuntu`, as os-release(5) says. */
const distribution = (): string => /^ID=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'debian';
