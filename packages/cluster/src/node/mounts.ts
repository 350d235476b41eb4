import { existsSync, realpathSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { resolvConf } from './resolv-conf.ts';
import { run } from './run.ts';

/**
 * Gives the node a /run of its own, where `ip netns` keeps its names and nothing of the machine's services is in reach, and
 * a resolv.conf that names the cluster's DNS. Directories of `keep` that lie below /run stay visible. Needs a private mount
 * namespace. Rejects with CommandError.
 */
export async function setUpMounts(stateDirectory: string, keep: readonly string[]): Promise<void> {
  const stage = join(stateDirectory, 'run');
  const resolver = linkTarget('/etc/resolv.conf');
  await mkdir(stage, { recursive: true });
  await run('mount', ['-n', '-t', 'tmpfs', '-o', 'mode=0755,size=64m', 'tmpfs', stage]);
  await mkdir(join(stage, 'netns'));
  await writeFile(join(stage, 'resolv.conf'), resolvConf('default', 'ClusterFirst', undefined));
  for (const directory of keep.filter((path) => path.startsWith('/run/'))) {
    const place = join(stage, relative('/run', directory));
    await mkdir(place, { recursive: true });
    await run('mount', ['-n', '--bind', directory, place]);
  }
  await run('mount', ['-n', '--move', stage, '/run']);
  if (resolver === undefined) return;
  if (resolver.startsWith('/run/'))
    await mkdir(dirname(resolver), { recursive: true }).then(() =>
      writeFile(resolver, resolvConf('default', 'ClusterFirst', undefined)),
    );
  else if (existsSync(resolver)) await run('mount', ['-n', '--bind', '/run/resolv.conf', resolver]);
}

function linkTarget(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
