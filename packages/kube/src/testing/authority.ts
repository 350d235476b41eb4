import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate with its key. */
export interface Pair {
  readonly certPem: string;
  readonly keyPem: string;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'] as const;

/** A certificate authority made with openssl, which shares no code with what is tested. */
export class Authority {
  readonly certPem: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'osm-kube-ca-'));

  constructor() {
    this.#openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      '-days',
      '2',
      '-subj',
      '/CN=test authority',
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
    );
    this.certPem = this.#read('ca.crt');
  }

  issue(subject: string, names = ''): Pair {
    this.#openssl('req', ...NEW_KEY, '-subj', subject, '-keyout', 'leaf.key', '-out', 'leaf.csr');
    writeFileSync(join(this.#directory, 'leaf.ext'), names === '' ? '' : `subjectAltName=${names}\n`);
    const signer = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1', '-extfile', 'leaf.ext'];
    this.#openssl('x509', '-req', '-in', 'leaf.csr', ...signer, '-out', 'leaf.crt');
    return { certPem: this.#read('leaf.crt'), keyPem: this.#read('leaf.key') };
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #read(name: string): string {
    return readFileSync(join(this.#directory, name), 'utf8');
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.#directory, stdio: ['ignore', 'ignore', 'pipe'] });
  }
}
