import { posix } from 'node:path';

/** Who owns a file of an image, and when it was last changed. */
interface Ownership {
  readonly uid: number;
  readonly gid: number;
}

/** One entry of a layer; `path` is relative to the root, without a leading slash. */
export type TreeEntry = Ownership & { readonly path: string; readonly mode: number } & (
    | { readonly type: 'directory' }
    | { readonly type: 'file'; readonly content: Buffer }
    | { readonly type: 'symlink'; readonly target: string }
  );

/** The files of a layer, by path. */
export type FileTree = ReadonlyMap<string, TreeEntry>;

const ROOT_OWNED: Ownership = { uid: 0, gid: 0 };
const PATH = /^[^/\0]+(\/[^/\0]+)*$/;

function checked(path: string): string {
  if (!PATH.test(path) || path.split('/').some((part) => part === '.' || part === '..'))
    throw new Error(`${JSON.stringify(path)} is not a path below the root of an image`);
  return path;
}

/** A regular file, owned by root. Text is UTF-8. */
export const file = (path: string, content: Buffer | string, mode = 0o644): TreeEntry => ({
  ...ROOT_OWNED,
  type: 'file',
  path: checked(path),
  mode,
  content: typeof content === 'string' ? Buffer.from(content, 'utf8') : content,
});

/** A directory; root's, unless somebody else must write there. */
export const directory = (path: string, mode = 0o755, owner: Ownership = ROOT_OWNED): TreeEntry => ({
  ...owner,
  type: 'directory',
  path: checked(path),
  mode,
});

/** A symbolic link. */
export const symlink = (path: string, target: string): TreeEntry => ({
  ...ROOT_OWNED,
  type: 'symlink',
  path: checked(path),
  mode: 0o777,
  target,
});

/**
 * One tree of many entries: parents that nobody named are made, and entries are in the order of their paths, so that equal input gives
 * equal layers. Throws when two entries want one path and differ.
 */
export function fileTree(entries: Iterable<TreeEntry>): FileTree {
  const found = new Map<string, TreeEntry>();
  for (const entry of entries) {
    const former = found.get(entry.path);
    if (former !== undefined && !isSame(former, entry))
      throw new Error(`two different entries are named ${entry.path}`);
    found.set(entry.path, entry);
  }
  for (const path of [...found.keys()]) {
    for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent)) {
      const there = found.get(parent);
      if (there === undefined) found.set(parent, directory(parent));
      else if (there.type !== 'directory') throw new Error(`${parent}, which holds ${path}, is a ${there.type}`);
    }
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function isSame(a: TreeEntry, b: TreeEntry): boolean {
  if (a.type !== b.type || a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return false;
  if (a.type === 'file') return b.type === 'file' && a.content.equals(b.content);
  return a.type === 'directory' || (b.type === 'symlink' && a.target === b.target);
}
