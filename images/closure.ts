import { posix } from 'node:path';
import { readElf } from './inputs/elf.ts';
import type { Architecture } from './oci/image.ts';
import type { FileTree } from './oci/tree.ts';

/** Directories that the loaders of Debian search without being told (ld.so(8)). */
const SEARCHED: Readonly<Record<Architecture, readonly string[]>> = {
  amd64: ['usr/lib/x86_64-linux-gnu', 'usr/lib'],
  arm64: ['usr/lib/aarch64-linux-gnu', 'usr/lib'],
};

const MAX_LINKS = 40;

/** Follows symbolic links, as if the tree were mounted at `/`; undefined when it ends nowhere. */
export function resolvePath(tree: FileTree, path: string, links = 0): string | undefined {
  let at = '';
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  for (const [index, part] of parts.entries()) {
    if (part === '..') {
      at = at.includes('/') ? posix.dirname(at) : '';
      continue;
    }
    const next = at === '' ? part : `${at}/${part}`;
    const entry = tree.get(next);
    if (entry === undefined || links > MAX_LINKS) return undefined;
    if (entry.type === 'symlink') {
      const from = entry.target.startsWith('/') ? '' : at;
      return resolvePath(tree, [from, entry.target, ...parts.slice(index + 1)].join('/'), links + 1);
    }
    at = next;
  }
  return at;
}

/**
 * What is missing for the programs and libraries of an image to be loaded: the loader, libraries, or the right machine. This needs no
 * machine of that architecture. Empty when nothing is.
 */
export function missingLibraries(tree: FileTree, architecture: Architecture): readonly string[] {
  const missing: string[] = [];
  for (const entry of tree.values()) {
    if (entry.type === 'symlink' && resolvePath(tree, entry.path) === undefined)
      missing.push(`${entry.path} leads to ${entry.target}, which is not there`);
    const facts = entry.type === 'file' ? readElf(entry.content) : undefined;
    if (facts === undefined) continue;
    if (facts.machine !== architecture) missing.push(`${entry.path} is for ${facts.machine}, not ${architecture}`);
    if (facts.interpreter !== undefined && resolvePath(tree, facts.interpreter) === undefined)
      missing.push(`${entry.path} needs the loader ${facts.interpreter}`);
    for (const name of facts.needed)
      if (!SEARCHED[architecture].some((place) => resolvePath(tree, `${place}/${name}`) !== undefined))
        missing.push(`${entry.path} needs ${name}`);
  }
  return missing;
}
