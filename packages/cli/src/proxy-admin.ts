import { spawn } from 'node:child_process';
import { CliError } from './cli-error.ts';
import { findProgram } from './project-paths.ts';

/** A pod with a sidecar. */
export interface ProxyPod {
  readonly namespace: string;
  readonly name: string;
}

/** Port of Envoy's administration, on the loopback of its pod. */
const ADMIN_PORT = 15000;
const READY = /Forwarding from 127\.0\.0\.1:(\d+) -> /;
/** A sidecar that is busy answers late; one that is gone never does. */
const PATIENCE_MS = 10_000;

/**
 * Asks the administration of a pod's Envoy, which answers on the pod's own loopback only: kubectl forwards a port there,
 * by the caller's right to `pods/portforward`. `path` is the path and query of a GET. Rejects with CliError, which tells
 * what kubectl or Envoy said.
 */
export async function askProxy({ namespace, name }: ProxyPod, path: string): Promise<string> {
  const program = findProgram('kubectl');
  const words = ['--namespace', namespace, 'port-forward', `pod/${name}`, `:${ADMIN_PORT}`];
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    const port = await new Promise<string>((resolve, reject) => {
      let output = '';
      let complaint = '';
      const late = setTimeout(() => reject(new CliError('kubectl port-forward: no answer')), PATIENCE_MS);
      child.stdout.on('data', (data: Buffer) => {
        output += data;
        const [, local] = READY.exec(output) ?? [];
        if (local !== undefined) resolve(local);
      });
      child.stderr.on('data', (data: Buffer) => {
        complaint = (complaint + data).slice(-2048);
      });
      child.once('error', (error) => reject(new CliError(`cannot run ${program}: ${error.message}`)));
      child.once('close', () => {
        clearTimeout(late);
        reject(new CliError(`kubectl port-forward: ${complaint.trim().replace(/^error: /i, '') || 'ended'}`));
      });
    });
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!response.ok) throw new CliError(`the proxy answered ${response.status}`);
    return await response.text();
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`the proxy did not answer: ${(error as Error).message}`);
  } finally {
    child.kill();
  }
}
