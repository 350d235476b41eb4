import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startControlPlane } from './control-plane.ts';
import { ADDRESS, Machine } from './machine.ts';
import { buildPrograms, type Progress } from './programs.ts';
import { findGo, NoGo } from './toolchain.ts';

/** `npm run test:kubernetes`: builds a real Kubernetes once, starts it in namespaces of its own, and holds the contract against it. */
const RUN = fileURLToPath(new URL('../run.ts', import.meta.url));

const progress: Progress = async (what, work) => {
  const began = performance.now();
  process.stdout.write(`${what} …`);
  await work();
  process.stdout.write(` ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
};

async function test(machine: Machine, kubeconfig: string, args: readonly string[]): Promise<number> {
  const [program = '', ...words] = machine.inside([process.execPath, RUN, ...args]);
  const child = spawn(program, words, {
    stdio: 'inherit',
    env: { ...process.env, CONTRACT_KUBECONFIG: kubeconfig, CONTRACT_WEBHOOK_ADDRESS: ADDRESS },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

async function main(args: readonly string[]): Promise<number> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'osm-kubernetes');
  mkdirSync(cache, { recursive: true });
  const bin = await buildPrograms(findGo(cache), cache, progress);
  const directory = mkdtempSync(join(tmpdir(), 'osm-kubernetes-'));
  const machine = new Machine(directory);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void machine.end());
  try {
    let kubeconfig = '';
    await progress('etcd, API server, controller manager and scheduler', async () => {
      await machine.start();
      kubeconfig = await startControlPlane(machine, bin, directory);
    });
    return await test(machine, kubeconfig, args.length === 0 ? ['contract'] : args);
  } finally {
    await machine.end();
    rmSync(directory, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof NoGo ? error.message : (error as Error).stack}\n`);
  process.exitCode = 1;
}
