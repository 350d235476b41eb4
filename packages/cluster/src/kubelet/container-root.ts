import { posix } from 'node:path';
import type { PrivateFiles } from './private-files.ts';

/** Something bound into a container: a file or directory of the node at a path of the container. */
export interface Bind {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly kind: 'directory' | 'file';
}

/** One kernel overlay to be mounted before the container's root is assembled. */
export interface Overlay {
  readonly lower: string;
  readonly upper: string;
  readonly work: string;
  readonly merged: string;
}

/** What the planner may ask of the node's file systems; `path` is one of the root the container shall have. */
export interface RootView {
  /** Kind of the entry itself (a link is not followed); undefined when absent. */
  kind(path: string): 'directory' | 'file' | 'link' | undefined;
  readlink(path: string): string;
}

/** Inputs of a container's root. */
export interface RootRequest {
  /** `/` for the machine's own file system, shown read-only and only in part; otherwise a directory laid under an overlay. */
  readonly rootfs: string;
  readonly view: RootView;
  /** Private directory of this container run, for overlays. */
  readonly scratch: string;
  readonly launcher: string;
  readonly binds: readonly Bind[];
  /** Node paths no container may see, wherever a bind would show them. */
  readonly hidden: readonly string[];
  /** What of the machine's /etc is not for everybody; shown empty. */
  readonly secrets: PrivateFiles;
  readonly readOnly: boolean;
  readonly workingDir: string;
}

/** How to make the container's root: directories and empty files first, then overlays, then bwrap's arguments. */
export interface RootPlan {
  readonly directories: readonly string[];
  readonly emptyFiles: readonly string[];
  readonly overlays: readonly Overlay[];
  readonly arguments: readonly string[];
}

/** Where the launcher (the program that takes on the container's identity) is seen inside a container. */
export const LAUNCHER = '/.osm';

/**
 * Top-level directories of the machine that a container without a root file system of its own sees. Everything else
 * (/home, /root, /srv, /mnt, the cluster's own state, …) stays out unless an image or a volume binds it.
 */
const SHOWN = ['usr', 'bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'etc', 'opt', 'nix'];
/** Empty directories that complete it. */
const EMPTY = ['/var', '/var/cache', '/var/lib', '/var/log', '/var/spool', '/home', '/mnt', '/srv', '/sys'];
const LINKS: Readonly<Record<string, string>> = Object.freeze({ '/var/run': '../run', '/var/lock': '../run/lock' });

/** Plans a container's root file system. Pure but for the questions it asks of `view`. */
export function planRoot(request: RootRequest): RootPlan {
  const own = request.rootfs === '/' ? machineRoot(request) : imageRoot(request);
  const common = [
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--perms',
    '1777',
    '--tmpfs',
    '/dev/shm',
    ...(request.rootfs === '/' ? ['--ro-bind-try', '/sys/devices/system', '/sys/devices/system'] : []),
    '--ro-bind',
    request.launcher,
    LAUNCHER,
  ];
  const made = new Set<string>();
  const binds = own.binds.flatMap((bind) => [
    // bwrap would make missing parents for root alone.
    ...parents(bind.target).flatMap((directory) => {
      if (made.has(directory) || (request.rootfs === '/' && underShown(directory, request.view))) return [];
      made.add(directory);
      return ['--dir', directory];
    }),
    bind.readOnly ? '--ro-bind' : '--bind',
    bind.source,
    bind.target,
    ...hiddenBelow(bind.source, bind.target, request.hidden),
  ]);
  return {
    directories: own.directories,
    emptyFiles: own.emptyFiles,
    overlays: own.overlays,
    arguments: [
      ...own.base,
      ...common,
      ...binds,
      ...(own.makeWorkingDir ? ['--dir', request.workingDir] : []),
      ...(request.readOnly ? ['--remount-ro', '/'] : []),
      '--chdir',
      request.workingDir,
    ],
  };
}

/** A path with every symbolic link resolved inside the root, so that a bind lands where the application will look. */
export function resolveInRoot(path: string, view: Pick<RootView, 'kind' | 'readlink'>, depth = 0): string {
  if (depth > 40) return path;
  let resolved = '/';
  const parts = posix.normalize(path).split('/').filter(Boolean);
  for (const [index, part] of parts.entries()) {
    const next = posix.join(resolved, part);
    if (view.kind(next) === 'link') {
      const target = posix.resolve(resolved, view.readlink(next));
      return resolveInRoot(posix.join(target, ...parts.slice(index + 1)), view, depth + 1);
    }
    resolved = next;
  }
  return resolved;
}

interface OwnRoot {
  readonly base: readonly string[];
  readonly directories: readonly string[];
  readonly emptyFiles: readonly string[];
  readonly overlays: readonly Overlay[];
  readonly binds: readonly Bind[];
  readonly makeWorkingDir: boolean;
}

function machineRoot(request: RootRequest): OwnRoot {
  const { view, scratch } = request;
  const seen: RootView = {
    kind: (path) => (LINKS[path] ? 'link' : underShown(path, view) ? view.kind(path) : undefined),
    readlink: (path) => LINKS[path] ?? view.readlink(path),
  };
  const binds = inOrder(request.binds.map((bind) => ({ ...bind, target: resolveBind(bind, seen) })));
  const directories: string[] = [];
  const emptyFiles: string[] = [];
  const overlays: Overlay[] = [];
  const base: string[] = [];
  for (const name of SHOWN) {
    const top = `/${name}`;
    const kind = view.kind(top);
    if (kind === 'link') base.push('--symlink', view.readlink(top), top);
    if (kind !== 'directory') continue;
    const missing = binds.filter((b) => isBelow(b.target, top) && needsPlace(view, b));
    if (missing.length === 0 && name !== 'etc') {
      base.push('--ro-bind', top, top);
    } else {
      // Mount points cannot be made in a read-only tree: an overlay adds them without touching the machine.
      const overlay = overlayOf(top, `${scratch}${top}`);
      overlays.push(overlay);
      directories.push(overlay.upper, overlay.work, overlay.merged);
      for (const bind of missing) {
        const place = `${overlay.upper}${bind.target.slice(top.length)}`;
        directories.push(bind.kind === 'directory' ? place : posix.dirname(place));
        if (bind.kind === 'file') emptyFiles.push(place);
      }
      if (name === 'etc') {
        for (const file of request.secrets.files) {
          const place = `${overlay.upper}${file.slice(top.length)}`;
          directories.push(posix.dirname(place));
          emptyFiles.push(place);
        }
      }
      base.push('--ro-bind', overlay.merged, top);
    }
    base.push(...hiddenBelow(top, top, request.hidden));
  }
  for (const directory of request.secrets.directories) {
    base.push('--tmpfs', directory);
    if (!binds.some((b) => isBelow(b.target, directory))) base.push('--remount-ro', directory);
  }
  base.push(...EMPTY.flatMap((d) => ['--dir', d]));
  // With readOnlyRootFilesystem these are read-only too, as they would be in an image.
  for (const [path, mode] of [
    ['/tmp', '1777'],
    ['/run', '0755'],
    ['/var/tmp', '1777'],
    ['/root', '0700'],
  ] as const) {
    base.push('--perms', mode, request.readOnly ? '--dir' : '--tmpfs', path);
  }
  base.push('--dir', '/run/lock');
  base.push(...Object.entries(LINKS).flatMap(([path, target]) => ['--symlink', target, path]));
  const directory = request.workingDir;
  const makeWorkingDir = !underShown(directory, view) && !binds.some((b) => b.readOnly && isBelow(directory, b.target));
  return { base, directories, emptyFiles, overlays, binds, makeWorkingDir };
}

function imageRoot(request: RootRequest): OwnRoot {
  const overlay = overlayOf(request.rootfs, `${request.scratch}/root`);
  const binds = inOrder(request.binds.map((bind) => ({ ...bind, target: resolveBind(bind, request.view) })));
  // A link at the very place of a file (resolv.conf often is one) is shadowed by an empty file to bind over.
  const shadowed = binds.filter((b) => b.kind === 'file' && request.view.kind(b.target) === 'link');
  return {
    base: ['--bind', overlay.merged, '/'],
    directories: [
      overlay.upper,
      overlay.work,
      overlay.merged,
      ...shadowed.map((b) => posix.dirname(overlay.upper + b.target)),
    ],
    emptyFiles: shadowed.map((b) => overlay.upper + b.target),
    overlays: [overlay],
    binds,
    makeWorkingDir: true,
  };
}

function overlayOf(lower: string, place: string): Overlay {
  return { lower, upper: `${place}/upper`, work: `${place}/work`, merged: `${place}/merged` };
}

/** Links in the directory part are followed; a link at the place of a file itself is not: it gets shadowed. */
function resolveBind(bind: Bind, view: RootView): string {
  if (bind.kind === 'directory') return resolveInRoot(bind.target, view);
  return posix.join(resolveInRoot(posix.dirname(bind.target), view), posix.basename(bind.target));
}

function needsPlace(view: RootView, bind: Bind): boolean {
  const kind = view.kind(bind.target);
  return kind === undefined || kind === 'link';
}

/** Parents before what lies in them; the last of two binds at one place wins. */
function inOrder(binds: readonly Bind[]): readonly Bind[] {
  const byTarget = new Map(binds.map((bind) => [bind.target, bind]));
  return [...byTarget.values()].sort(
    (a, b) => a.target.split('/').length - b.target.split('/').length || (a.target < b.target ? -1 : 1),
  );
}

function parents(path: string): readonly string[] {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
}

function hiddenBelow(source: string, target: string, hidden: readonly string[]): readonly string[] {
  return hidden
    .filter((path) => isBelow(path, source))
    .flatMap((path) => ['--tmpfs', posix.join(target, posix.relative(source, path))]);
}

/** True for paths in a top-level directory that the machine has and shows. */
function underShown(path: string, view: RootView): boolean {
  const name = path.split('/')[1] ?? '';
  return SHOWN.includes(name) && view.kind(`/${name}`) !== undefined;
}

function isBelow(path: string, directory: string): boolean {
  return path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}
