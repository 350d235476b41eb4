import { spawn } from 'node:child_process';
import type { ExecPlugin } from './config.ts';

/** What a credential plugin has given. */
export interface ExecCredential {
  readonly token?: string;
  readonly certPem?: string;
  readonly keyPem?: string;
  /** Milliseconds since 1970; absent when it lasts as long as the process. */
  readonly expiresAt?: number;
}

/** The cluster as plugins are told of it (`spec.cluster`). */
export interface ExecClusterInfo {
  readonly server: string;
  readonly caPem: string | undefined;
  readonly serverName: string | undefined;
}

const OUTPUT_BYTES = 2 ** 20;
/** Long enough for a person to log in. */
const TIMEOUT_MS = 300_000;

/**
 * Runs a credential plugin (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins).
 * Its standard error goes to ours, as it may speak to the user. Rejects with an Error that tells the command, never its output.
 */
export async function runExecPlugin(plugin: ExecPlugin, cluster: ExecClusterInfo): Promise<ExecCredential> {
  const interactive = plugin.interactiveMode !== 'Never' && process.stdin.isTTY === true;
  if (plugin.interactiveMode === 'Always' && !interactive) {
    throw new Error(`credential plugin ${plugin.command} needs a terminal (interactiveMode: Always)`);
  }
  const info = {
    apiVersion: plugin.apiVersion,
    kind: 'ExecCredential',
    spec: {
      interactive,
      ...(plugin.provideClusterInfo
        ? {
            cluster: {
              server: cluster.server,
              ...(cluster.serverName === undefined ? {} : { 'tls-server-name': cluster.serverName }),
              ...(cluster.caPem === undefined
                ? {}
                : { 'certificate-authority-data': Buffer.from(cluster.caPem).toString('base64') }),
            },
          }
        : {}),
    },
  };
  const output = await collectOutput(plugin, JSON.stringify(info), interactive);
  return readCredential(plugin, output);
}

function collectOutput(plugin: ExecPlugin, info: string, interactive: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(plugin.command, plugin.args, {
      env: { ...process.env, ...plugin.env, KUBERNETES_EXEC_INFO: info },
      stdio: [interactive ? 'inherit' : 'ignore', 'pipe', 'inherit'],
      timeout: TIMEOUT_MS,
    });
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > OUTPUT_BYTES) child.kill();
      else chunks.push(chunk);
    });
    child.once('error', (error: NodeJS.ErrnoException) => {
      const hint = error.code === 'ENOENT' && plugin.installHint !== undefined ? `: ${plugin.installHint}` : '';
      reject(new Error(`cannot run credential plugin ${plugin.command} (${error.code ?? 'unknown'})${hint}`));
    });
    child.once('close', (code, signal) => {
      if (size > OUTPUT_BYTES)
        reject(new Error(`credential plugin ${plugin.command} printed more than ${OUTPUT_BYTES} bytes`));
      else if (code !== 0)
        reject(new Error(`credential plugin ${plugin.command} ended with ${signal ?? `code ${code}`}`));
      else resolve(Buffer.concat(chunks).toString('utf8'));
    });
  });
}

function readCredential(plugin: ExecPlugin, output: string): ExecCredential {
  const refuse = (fault: string): Error =>
    new Error(`credential plugin ${plugin.command} gave no credential: ${fault}`);
  let answer: { apiVersion?: unknown; kind?: unknown; status?: Readonly<Record<string, unknown>> };
  try {
    answer = JSON.parse(output);
  } catch {
    throw refuse('its output is not JSON');
  }
  if (answer?.kind !== 'ExecCredential') throw refuse('its output is not an ExecCredential');
  if (answer.apiVersion !== plugin.apiVersion) throw refuse(`its apiVersion is not ${plugin.apiVersion}`);
  const status = answer.status ?? {};
  const read = (field: string): string | undefined => {
    const value = status[field];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const token = read('token');
  const certPem = read('clientCertificateData');
  const keyPem = read('clientKeyData');
  if (token === undefined && certPem === undefined) throw refuse('neither token nor certificate');
  if ((certPem === undefined) !== (keyPem === undefined)) throw refuse('certificate and key come together');
  const expiresAt = Date.parse(read('expirationTimestamp') ?? '');
  return {
    ...(token === undefined ? {} : { token }),
    ...(certPem === undefined || keyPem === undefined ? {} : { certPem, keyPem }),
    ...(Number.isNaN(expiresAt) ? {} : { expiresAt }),
  };
}
