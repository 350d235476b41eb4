import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate with its key. */
export interface Pair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** Makes a certificate authority and signs leaves with openssl, which shares no code with the server under test. */
export class Authority {
  readonly #directory: string;
  readonly certPem: string;

  constructor(directory: string) {
    this.#directory = directory;
    openssl(directory, [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=test authority',
      '-keyout',
      'ca.key',
      '-out',
      'ca.crt',
    ]);
    this.certPem = readFileSync(join(directory, 'ca.crt'), 'utf8');
  }

  issue(subject: string, names = ''): Pair {
    openssl(this.#directory, [
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      subject,
      '-keyout',
      'leaf.key',
      '-out',
      'leaf.csr',
    ]);
    writeFileSync(join(this.#directory, 'leaf.ext'), names === '' ? '' : `subjectAltName=${names}\n`);
    openssl(this.#directory, [
      'x509',
      '-req',
      '-in',
      'leaf.csr',
      '-CA',
      'ca.crt',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '1',
      '-extfile',
      'leaf.ext',
      '-out',
      'leaf.crt',
    ]);
    const read = (name: string) => readFileSync(join(this.#directory, name), 'utf8');
    return { certPem: read('leaf.crt'), keyPem: read('leaf.key') };
  }
}

const openssl = (cwd: string, args: readonly string[]): void => {
  execFileSync('openssl', args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
};
