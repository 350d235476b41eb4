import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Test bench of this package: the openssl command as a second opinion. */

/** Runs openssl on files; `FILE:name` in an argument becomes that file's path. Throws with its output when it fails. */
export function openssl(args: readonly string[], files: Readonly<Record<string, string>> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), 'osm-pki-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text, { mode: 0o600 });
    const paths = args.map((arg) => arg.replace(/FILE:/g, `${directory}/`));
    const { error, status, stdout, stderr } = spawnSync('openssl', paths, { encoding: 'utf8' });
    if (error !== undefined) {
      throw new Error(`these tests need the openssl command (Debian: apt-get install openssl): ${error.message}`);
    }
    if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Verifies a chain (leaf first) against roots with all of OpenSSL's strict checks. Throws what OpenSSL says. */
export function verifyStrictly(chainPem: string, trustPem: string, purpose: 'sslserver' | 'sslclient'): void {
  openssl(
    ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', 'FILE:roots', '-untrusted', 'FILE:chain', 'FILE:chain'],
    { roots: trustPem, chain: chainPem },
  );
}
