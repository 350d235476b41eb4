import http from 'node:http';
import https from 'node:https';
import { connect } from 'node:net';
import { checkGrpcHealth } from './grpc-health.ts';
import { type Container, containerPort, type HttpGetAction, type Probe } from './pod.ts';
import type { ProbeResult } from './probe-result.ts';

/** What a check reaches: the pod's address, its container's ports, and a way to run a command inside. */
export interface ProbeTarget {
  readonly ip: string;
  readonly container: Container;
  exec(command: readonly string[], timeoutMs: number): Promise<{ exitCode: number | undefined; output: string }>;
}

const BODY_LIMIT = 10 * 1024;
const OK: ProbeResult = Object.freeze({ success: true, message: '' });

/** Runs one check (Kubernetes docs, "Configure Liveness, Readiness and Startup Probes"). Never rejects. */
export async function checkProbe(probe: Probe, target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  try {
    if (probe.httpGet) return await checkHttp(probe.httpGet, target, timeoutMs);
    if (probe.tcpSocket)
      return await checkTcp(probe.tcpSocket.host ?? target.ip, portOf(target, probe.tcpSocket.port), timeoutMs);
    if (probe.grpc) return await checkGrpcHealth(target.ip, probe.grpc.port, probe.grpc.service ?? '', timeoutMs);
    if (probe.exec) {
      const { exitCode, output } = await target.exec(probe.exec.command ?? [], timeoutMs);
      if (exitCode === 0) return OK;
      return failure(
        exitCode === undefined
          ? `command timed out after ${timeoutMs / 1000}s`
          : output.trim() || `exit code ${exitCode}`,
      );
    }
    return failure('missing probe handler');
  } catch (error) {
    return failure(error instanceof Error ? error.message : String(error));
  }
}

/** GET without following redirects; 200–399 is success. TLS is not verified, as the kubelet does not either. */
export function checkHttp(
  action: HttpGetAction,
  target: Pick<ProbeTarget, 'ip' | 'container'>,
  timeoutMs: number,
): Promise<ProbeResult> {
  const secure = action.scheme?.toUpperCase() === 'HTTPS';
  const host = action.host ?? target.ip;
  const port = portOf(target, action.port);
  const path = action.path?.startsWith('/') ? action.path : `/${action.path ?? ''}`;
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/1.37', accept: '*/*', connection: 'close' };
  for (const header of action.httpHeaders ?? []) {
    const name = header.name.toLowerCase();
    headers[name] =
      headers[name] !== undefined && !(name in DEFAULTED) ? `${headers[name]}, ${header.value}` : header.value;
  }
  for (const [name, value] of Object.entries(headers)) if (value === '') delete headers[name];
  const where = `${secure ? 'https' : 'http'}://${host}:${port}${path}`;
  return new Promise((resolve) => {
    const options = { host, port, path, method: 'GET', headers, agent: false, rejectUnauthorized: false };
    // Also ends an answer whose body never does.
    const timer = setTimeout(() => request.destroy(new Error('context deadline exceeded')), timeoutMs);
    const request = (secure ? https : http).request(options, (response) => {
      const status = response.statusCode ?? 0;
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > BODY_LIMIT) response.destroy();
      });
      response.on('error', () => undefined);
      resolve(status >= 200 && status < 400 ? OK : failure(`HTTP probe failed with statuscode: ${status}`));
    });
    request.on('error', (error) => resolve(failure(`Get "${where}": ${error.message}`)));
    request.on('close', () => clearTimeout(timer));
    request.end();
  });
}

const DEFAULTED: Readonly<Record<string, true>> = Object.freeze({ 'user-agent': true, accept: true, connection: true });

/** A TCP connection that comes up is success. */
export function checkTcp(host: string, port: number, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (result: ProbeResult): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    const timer = setTimeout(() => end(failure(`dial tcp ${host}:${port}: i/o timeout`)), timeoutMs);
    socket.once('connect', () => end(OK));
    socket.once('error', (error) => end(failure(`dial tcp ${host}:${port}: ${error.message}`)));
  });
}

function portOf(target: Pick<ProbeTarget, 'container'>, port: number | string): number {
  const number = containerPort(target.container, port);
  if (number === undefined)
    throw new Error(`couldn't find port ${JSON.stringify(port)} in container ${target.container.name}`);
  return number;
}

function failure(message: string): ProbeResult {
  return { success: false, message };
}
