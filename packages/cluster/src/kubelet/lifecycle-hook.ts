import { setTimeout as delay } from 'node:timers/promises';
import type { LifecycleHandler } from './pod.ts';
import { containerPort } from './pod.ts';
import { checkHttp, checkTcp, type ProbeTarget } from './probe-check.ts';

/** A hook has no timeout of its own but the pod's grace period; a request that hangs ends with this. */
const REQUEST_TIMEOUT_MS = 60_000;

/**
 * Runs a postStart or preStop hook (Kubernetes docs, "Container Lifecycle Hooks"). Resolves with '' or the reason of
 * its failure; ends early, with a reason, when `signal` fires.
 */
export async function runHook(hook: LifecycleHandler, target: ProbeTarget, signal: AbortSignal): Promise<string> {
  try {
    if (hook.exec) {
      const { exitCode, output } = await target.exec(hook.exec.command ?? [], 2 ** 31 - 1);
      return exitCode === 0
        ? ''
        : `command ${JSON.stringify(hook.exec.command)} ended with ${exitCode ?? 'a timeout'}: ${output.trim().slice(0, 500)}`;
    }
    if (hook.httpGet) return (await checkHttp(hook.httpGet, target, REQUEST_TIMEOUT_MS)).message;
    if (hook.tcpSocket) {
      const port = containerPort(target.container, hook.tcpSocket.port);
      if (port === undefined)
        return `no port ${JSON.stringify(hook.tcpSocket.port)} in container ${target.container.name}`;
      return (await checkTcp(hook.tcpSocket.host ?? target.ip, port, REQUEST_TIMEOUT_MS)).message;
    }
    if (hook.sleep) await delay(hook.sleep.seconds * 1000, undefined, { signal });
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
