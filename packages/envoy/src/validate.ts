import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeBootstrap, type StaticBootstrapOptions, staticBootstrap } from './bootstrap.ts';
import { envoyBinary } from './envoy-binary.ts';
import type { Resource } from './types.ts';

/** What Envoy says about a configuration. `output` has its warnings too, such as those about deprecated fields. */
export interface Validation {
  readonly ok: boolean;
  readonly output: string;
}

const TIMEOUT_MS = 60_000;

/** Runs `envoy --mode validate`, which builds everything that a configuration describes but opens no socket. */
function runEnvoy(envoy: string, path: string): Promise<Validation> {
  const args = ['--mode', 'validate', '--config-path', path, '--log-level', 'warning', '--log-format', '%l: %v'];
  return new Promise((resolve, reject) => {
    execFile(envoy, args, { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') {
        const end = error.signal ? `ended with ${error.signal}` : `did not start: ${error.code}`;
        reject(new Error(`${envoy} could not judge the configuration: it ${end}`, { cause: error }));
        return;
      }
      const lines = `${stdout}${stderr}`.replaceAll(path, 'bootstrap').split('\n');
      const output = lines.filter((line) => line !== '' && line !== "configuration 'bootstrap' OK").join('\n');
      resolve({ ok: error === null, output });
    });
  });
}

/**
 * Has the real Envoy judge a bootstrap. `json` is given to it as it is, so fields that are newer than the generated
 * types are Envoy's to judge. Rejects when Envoy is not found, crashes or does not end within a minute.
 */
export async function validateBootstrap(json: object): Promise<Validation> {
  const envoy = envoyBinary();
  // Only for this user: a bootstrap may hold keys.
  const folder = await mkdtemp(join(tmpdir(), 'envoy-validate-'));
  try {
    const path = join(folder, 'bootstrap.json');
    await writeFile(path, JSON.stringify(json), { mode: 0o600 });
    return await runEnvoy(envoy, path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Has the real Envoy judge resources, put together as {@link staticBootstrap} does. Rejects with EncodeError for a
 * resource that is not of its type, else as {@link validateBootstrap} does. Envoy looks into a TLS context (versions,
 * ciphers, keys) only once it has all secrets of it, so give those along to have them judged.
 */
export async function validateResources(
  resources: readonly Resource[],
  options: StaticBootstrapOptions = {},
): Promise<Validation> {
  return validateBootstrap(JSON.parse(encodeBootstrap(staticBootstrap(resources, options))) as object);
}
