import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { envoyBinary } from '@osm/envoy/binary';
import { until } from '../../packages/core/src/xds/testing/envoy.ts';

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A running Envoy. */
export interface EnvoyProcess {
  /** What it logged. */
  log(): string;
  stop(): Promise<void>;
}

/** Starts Envoy with a bootstrap, whose admin address is chosen here. Rejects with its log when it does not start. */
export async function startEnvoy(bootstrap: object): Promise<EnvoyProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'osm-fuzz-'));
  const admin = { address: { socketAddress: { address: '127.0.0.1', portValue: 0 } } };
  await writeFile(join(folder, 'bootstrap.json'), JSON.stringify({ ...bootstrap, admin }), { mode: 0o600 });
  const files = ['-c', join(folder, 'bootstrap.json'), '--admin-address-path', join(folder, 'admin')];
  const child = spawn(
    envoyBinary(),
    [...files, '--use-dynamic-base-id', '--concurrency', '1', '-l', 'warning', '--log-format', '%l %v'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  running.add(child);
  let log = '';
  child.stderr?.on('data', (part: Buffer) => {
    log = (log + String(part)).slice(-20_000);
  });
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    running.delete(child);
    await rm(folder, { recursive: true, force: true });
  };
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  const isLive = async (): Promise<boolean | undefined> => {
    if (ended) return false;
    const address = (await readFile(join(folder, 'admin'), 'utf8')).trim();
    return (await (await fetch(`http://${address}/ready`)).text()).startsWith('LIVE') ? true : undefined;
  };
  if (!(await until('Envoy is live', isLive, 60_000))) {
    await stop();
    throw new Error(`Envoy ended: ${log}`);
  }
  return { log: () => log, stop };
}
