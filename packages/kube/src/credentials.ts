import { readFile } from 'node:fs/promises';
import type { KubeConfig } from './config.ts';
import { type ExecCredential, runExecPlugin } from './exec-plugin.ts';

/** What one connection is made with. An unchanged value is the same object. */
export interface TlsMaterial {
  readonly caPem: string | undefined;
  readonly certPem: string | undefined;
  readonly keyPem: string | undefined;
}

/** What one request is made with. */
export interface Credential {
  readonly tls: TlsMaterial;
  readonly token: string | undefined;
}

/** Gives the present credentials. */
export interface CredentialSource {
  /** Rejects with an Error that names the file or program at fault. */
  read(): Promise<Credential>;
  /** The server has refused the last one (401): read anew next time. True when that may help. */
  refused(): boolean;
}

/** Files are read again after so long; the kubelet replaces a projected token when 80 % of its life is over. */
const FILE_MS = 10_000;
/** A plugin's credential is replaced so long before it expires. */
const EXPIRY_MARGIN_MS = 10_000;

/** The credentials a configuration describes. `now` gives milliseconds. */
export function createCredentialSource(config: KubeConfig, now: () => number = Date.now): CredentialSource {
  const file = createFileReader(now);
  const { exec } = config;
  let held: ExecCredential | undefined;
  let running: Promise<ExecCredential> | undefined;
  let tls: TlsMaterial | undefined;

  const fromPlugin = async (caPem: string | undefined): Promise<ExecCredential> => {
    if (!exec) return {};
    if (held && (held.expiresAt === undefined || held.expiresAt - EXPIRY_MARGIN_MS > now())) return held;
    // Requests that start together ask the plugin once.
    running ??= runExecPlugin(exec, { server: config.server ?? '', caPem, serverName: config.serverName }).finally(
      () => {
        running = undefined;
      },
    );
    held = await running;
    return held;
  };

  return {
    async read() {
      const caPem = config.caPem ?? (await file.read(config.caFile));
      const given = await fromPlugin(caPem);
      const certPem = config.certPem ?? (await file.read(config.certFile)) ?? given.certPem;
      const keyPem = config.keyPem ?? (await file.read(config.keyFile)) ?? given.keyPem;
      if (!tls || tls.caPem !== caPem || tls.certPem !== certPem || tls.keyPem !== keyPem) {
        tls = Object.freeze({ caPem, certPem, keyPem });
      }
      const token = (await file.read(config.tokenFile))?.trim() ?? config.token ?? given.token;
      return { tls, token: token === '' ? undefined : token };
    },
    refused() {
      held = undefined;
      file.forget();
      return exec !== undefined || config.tokenFile !== undefined || config.certFile !== undefined;
    },
  };
}

function createFileReader(now: () => number) {
  const files = new Map<string, { text: string; readAt: number }>();
  return {
    async read(path: string | undefined): Promise<string | undefined> {
      if (path === undefined) return undefined;
      const known = files.get(path);
      const at = now();
      if (known && Math.abs(at - known.readAt) < FILE_MS) return known.text;
      try {
        const text = await readFile(path, 'utf8');
        files.set(path, { text, readAt: at });
        return text;
      } catch (error) {
        // A file that is just being replaced must not end a client that has a credential still.
        if (known) return known.text;
        throw new Error(`cannot read ${path}: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`);
      }
    },
    forget(): void {
      for (const entry of files.values()) entry.readAt = Number.NEGATIVE_INFINITY;
    },
  };
}
