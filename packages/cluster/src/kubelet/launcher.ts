import { execFile } from 'node:child_process';
import { copyFile, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { LAUNCHER } from './container-root.ts';

const run = promisify(execFile);

/**
 * The program that takes on a container's user, groups and capabilities inside its root. It is the machine's setpriv(1)
 * (and env(1)) with the libraries they need, bound read-only at {@link LAUNCHER}, so that an image needs to hold nothing.
 */
export interface Launcher {
  /** Directory on the node, to be bound at {@link LAUNCHER}. */
  readonly directory: string;
  /** Arguments before setpriv's own, as seen inside the container. */
  readonly setpriv: readonly string[];
  /** Arguments before env's own, as seen inside the container. */
  readonly env: readonly string[];
}

/** Copies the launcher into `directory`. Rejects when setpriv is not installed (Debian: util-linux). */
export async function prepareLauncher(directory: string): Promise<Launcher> {
  await mkdir(directory, { recursive: true });
  const files = new Set<string>();
  let loader: string | undefined;
  for (const program of ['setpriv', 'env']) {
    const path = (await run('/bin/sh', ['-c', `command -v ${program}`])).stdout.trim();
    files.add(path);
    for (const match of (await run('ldd', [path])).stdout.matchAll(/(\/\S+)/g)) {
      const library = match[1] ?? '';
      files.add(library);
      if (/\/ld-[^/]*$/.test(library)) loader = basename(library);
    }
  }
  if (!loader)
    throw new Error('cannot find the dynamic loader of setpriv: the node needs a glibc system with util-linux');
  await Promise.all([...files].map((file) => copyFile(file, join(directory, basename(file)))));
  const start = [`${LAUNCHER}/${loader}`, '--library-path', LAUNCHER];
  return Object.freeze({ directory, setpriv: [...start, `${LAUNCHER}/setpriv`], env: [...start, `${LAUNCHER}/env`] });
}

/** Variables that the dynamic loader, the C library or a shell obeys: they must reach the application only, never a program that still holds the node's privileges. */
const LOADER_VARIABLE =
  /^(LD_.*|GLIBC_TUNABLES|GCONV_PATH|GETCONF_DIR|HOSTALIASES|LOCALDOMAIN|LOCPATH|MALLOC_.*|NIS_PATH|NLSPATH|RESOLV_HOST_CONF|RES_OPTIONS|TMPDIR|TZDIR|SHELL|ENV|BASH_ENV|BASH_FUNC_.*|SHELLOPTS|BASHOPTS|IFS|PS4)$/;

/** Parts an environment into what may be set from the start and `NAME=value` arguments of env(1) for the rest. */
export function splitEnvironment(env: Readonly<Record<string, string>>): {
  plain: Record<string, string>;
  late: readonly string[];
} {
  const plain: Record<string, string> = {};
  const late: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (LOADER_VARIABLE.test(name)) late.push(`${name}=${value}`);
    else plain[name] = value;
  }
  return { plain, late };
}

/** The command line inside the container: become the identity, then the application. */
export function launchCommand(
  launcher: Launcher,
  setprivArguments: readonly string[],
  late: readonly string[],
  command: readonly string[],
): readonly string[] {
  const program = late.length > 0 ? [...launcher.env, ...late, ...command] : command;
  return [...launcher.setpriv, ...setprivArguments, '--', ...program];
}
