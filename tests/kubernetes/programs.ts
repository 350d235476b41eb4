import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The releases that are built. */
export const VERSIONS = Object.freeze({ kubernetes: '1.37.2', etcd: '3.7.3' });

/** Programs of Kubernetes, all in one binary. */
const KUBERNETES = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubelet'] as const;
const MAIN = fileURLToPath(new URL('hyperkube.go', import.meta.url));
const ETCD = 'go.etcd.io/etcd/server/v3';

/** Told of each step: what is being done, then how long it took, in seconds. */
export type Progress = (what: string, work: () => Promise<void>) => Promise<void>;

/**
 * Builds etcd and Kubernetes from their Go modules, which Go verifies by its checksum database, into a directory of the cache. What
 * was built before is taken as it is. Resolves with the directory of the programs.
 */
export async function buildPrograms(go: string, cache: string, progress: Progress): Promise<string> {
  const bin = join(cache, `kubernetes-${VERSIONS.kubernetes}-etcd-${VERSIONS.etcd}`);
  mkdirSync(bin, { recursive: true });
  if (!existsSync(join(bin, 'etcd')))
    await progress(`etcd ${VERSIONS.etcd} (about a minute)`, () => buildEtcd(go, join(cache, 'src', 'etcd'), bin));
  if (!existsSync(join(bin, 'hyperkube')))
    await progress(`Kubernetes ${VERSIONS.kubernetes} (about ten minutes)`, () =>
      buildKubernetes(go, join(cache, 'src', 'kubernetes'), bin),
    );
  for (const name of KUBERNETES) {
    rmSync(join(bin, name), { force: true });
    symlinkSync('hyperkube', join(bin, name));
  }
  return bin;
}

async function buildEtcd(go: string, source: string, bin: string): Promise<void> {
  begin(source, 'module build/etcd\n\ngo 1.26.0\n');
  await run(go, source, ['get', `${ETCD}@v${VERSIONS.etcd}`]);
  await run(go, source, ['build', '-mod=mod', '-ldflags', '-s -w', '-o', join(bin, 'etcd'), ETCD]);
}

async function buildKubernetes(go: string, source: string, bin: string): Promise<void> {
  const { kubernetes } = VERSIONS;
  begin(source, 'module build/kubernetes\n\ngo 1.26.0\n');
  const { GoMod } = JSON.parse(
    await run(go, source, ['mod', 'download', '-json', `k8s.io/kubernetes@v${kubernetes}`]),
  ) as {
    GoMod: string;
  };
  writeFileSync(join(source, 'go.mod'), moduleOf(readFileSync(GoMod, 'utf8'), kubernetes));
  copyFileSync(MAIN, join(source, 'main.go'));
  await run(go, source, ['mod', 'tidy']);
  const [major, minor] = kubernetes.split('.');
  const stamp = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((path) => [
    `-X ${path}.gitVersion=v${kubernetes}`,
    `-X ${path}.gitMajor=${major}`,
    `-X ${path}.gitMinor=${minor}`,
    `-X ${path}.gitTreeState=clean`,
  ]);
  await run(go, source, ['build', '-ldflags', ['-s', '-w', ...stamp].join(' '), '-o', join(bin, 'hyperkube'), '.']);
}

/**
 * A go.mod that takes Kubernetes as a library. Its own one replaces the modules that it publishes apart by folders of its repository;
 * here each is the published one of the same release (v0.MINOR.PATCH).
 */
export function moduleOf(upstream: string, version: string): string {
  const published = `v0.${version.split('.').slice(1).join('.')}`;
  const staging = [...upstream.matchAll(/^\s*(?:replace\s+)?(k8s\.io\/[a-z0-9-]+) => \.\/staging/gm)].map(
    ([, path]) => path,
  );
  const settings = upstream.split('\n').filter((line) => /^(go|godebug) /.test(line));
  return [
    'module build/kubernetes',
    ...settings,
    `require k8s.io/kubernetes v${version}`,
    'replace (',
    ...staging.map((path) => `\t${path} => ${path} ${published}`),
    ')',
    '',
  ].join('\n');
}

function begin(source: string, module: string): void {
  rmSync(source, { recursive: true, force: true });
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, 'go.mod'), module);
}

/** Runs Go with little claim to the machine; resolves with what it printed, rejects with what it complained of. */
function run(go: string, cwd: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -trimpath', GOTOOLCHAIN: 'local' };
  const child = spawn('nice', ['-n', '19', go, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => {
    stdout += data;
  });
  child.stderr.on('data', (data: Buffer) => {
    stderr = (stderr + data).slice(-4000);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? resolve(stdout)
        : reject(new Error(`go ${args.slice(0, 2).join(' ')} ended with ${code}: ${stderr}`)),
    );
  });
}
