import { PkiError } from './errors.ts';

/** One block of a PEM text (RFC 7468). */
export interface PemBlock {
  /** For instance `CERTIFICATE`. */
  readonly label: string;
  readonly der: Uint8Array;
  /** The block as it stood, with its two boundary lines and a final newline. */
  readonly text: string;
}

/** More than any bundle of roots needs; keeps a wrong file from costing memory. */
const MAX_TEXT = 1024 * 1024;

/** Writes one PEM block, 64 characters a line. */
export function writePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString('base64');
  let lines = '';
  for (let at = 0; at < base64.length; at += 64) lines += `${base64.slice(at, at + 64)}\n`;
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}

/** All blocks of a text; what stands between blocks is skipped. Throws PkiError `InvalidPem` for a broken block. */
export function readPem(text: string): readonly PemBlock[] {
  if (text.length > MAX_TEXT) throw new PkiError('InvalidPem', 'the PEM text is larger than 1 MiB');
  const out: PemBlock[] = [];
  const begin = /-----BEGIN ([A-Z0-9 ]+)-----/g;
  for (let match = begin.exec(text); match !== null; match = begin.exec(text)) {
    const label = match[1] ?? '';
    const boundary = `-----END ${label}-----`;
    const end = text.indexOf(boundary, begin.lastIndex);
    if (end < 0) throw new PkiError('InvalidPem', `the PEM block ${label} has no end line`);
    const body = text.slice(begin.lastIndex, end);
    // Old encrypted keys carry header lines such as `Proc-Type: 4,ENCRYPTED`.
    const base64 = body.replace(/^[A-Za-z-]+:.*$/gm, '').replace(/\s+/g, '');
    if (base64 === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) {
      throw new PkiError('InvalidPem', `the PEM block ${label} is not base64`);
    }
    const raw = text.slice(match.index, end + boundary.length).replace(/\r\n/g, '\n');
    out.push({ label, der: Buffer.from(base64, 'base64'), text: `${raw}\n` });
    begin.lastIndex = end + boundary.length;
  }
  return out;
}

/** The certificates of a bundle, in order. Throws PkiError `InvalidPem` when there is none. */
export function readCertificates(text: string): readonly PemBlock[] {
  const found = readPem(text).filter(({ label }) => label === 'CERTIFICATE');
  if (found.length === 0) throw new PkiError('InvalidPem', 'the text holds no PEM block CERTIFICATE');
  return found;
}
