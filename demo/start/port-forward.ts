import { spawn } from 'node:child_process';
import { findProgram } from '@osm/cli';

/** A way from 127.0.0.1 to ports of a pod, held open by kubectl. It goes past the sidecar, as it ends on the pod's loopback. */
export interface PortForward {
  /** `http://127.0.0.1:PORT` for a port of the pod. */
  url(port: number): string;
  readonly closed: Promise<void>;
  close(): void;
}

const READY = /Forwarding from 127\.0\.0\.1:(\d+) -> (\d+)/g;

/** Opens ports of `target` (`pod/NAME`, `deploy/NAME`). Rejects with what kubectl said. */
export function openPortForward(
  kubeconfig: string,
  namespace: string,
  target: string,
  ports: readonly number[],
): Promise<PortForward> {
  const child = spawn(
    findProgram('kubectl'),
    ['--kubeconfig', kubeconfig, '--namespace', namespace, 'port-forward', target, ...ports.map((port) => `:${port}`)],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  return new Promise((resolve, reject) => {
    const local = new Map<number, number>();
    let output = '';
    let complaint = '';
    const closed = new Promise<void>((done) => child.once('close', () => done()));
    child.stderr.on('data', (data: Buffer) => {
      complaint = (complaint + data).slice(-4096);
    });
    child.stdout.on('data', (data: Buffer) => {
      if (local.size === ports.length) return;
      output += data;
      for (const [, from, to] of output.matchAll(READY)) local.set(Number(to), Number(from));
      if (local.size < ports.length) return;
      resolve({
        url: (port) => `http://127.0.0.1:${local.get(port)}`,
        closed,
        close: () => child.kill(),
      });
    });
    child.once('error', reject);
    void closed.then(() => reject(new Error(`kubectl port-forward ${target}: ${complaint.trim() || 'ended'}`)));
  });
}
