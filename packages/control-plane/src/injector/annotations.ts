import { isIP } from 'node:net';
import { ANNOTATION } from '../surface.ts';
import { InjectionError } from './pod.ts';

/** Annotations of an object, as metadata carries them. */
export type Annotations = Readonly<Record<string, string>> | undefined;

const ON = new Set(['enabled', 'yes', 'true']);
const OFF = new Set(['disabled', 'no', 'false']);

/**
 * Reads an on/off annotation: `enabled`, `yes`, `true` or `disabled`, `no`, `false` in any case; absent is undefined.
 * Throws InjectionError for any other value; `subject` names the object in the message (`Pod shop/cart`).
 */
export function readSwitch(annotations: Annotations, key: string, subject: string, code: string): boolean | undefined {
  const value = annotations?.[key];
  if (value === undefined) return undefined;
  const word = value.trim().toLowerCase();
  if (ON.has(word)) return true;
  if (OFF.has(word)) return false;
  throw new InjectionError(
    code,
    `${subject}: annotation ${key}=${JSON.stringify(value)} is not understood; use "enabled" or "disabled"`,
  );
}

const entriesOf = (value: string): string[] =>
  value
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** Reads a comma list of TCP ports (1–65535). Throws InjectionError that names the annotation and the bad entry. */
export function readPortList(annotations: Annotations, key: string, subject: string): readonly number[] {
  const value = annotations?.[key];
  if (value === undefined) return [];
  return entriesOf(value).map((entry) => {
    const port = /^\d{1,5}$/.test(entry) ? Number(entry) : 0;
    if (port >= 1 && port <= 65535) return port;
    throw new InjectionError(
      'E6110',
      `${subject}: annotation ${key}=${JSON.stringify(value)}: ${JSON.stringify(entry)} is not a port (1-65535)`,
    );
  });
}

/** True for `address/prefix length`, IPv4 or IPv6 (RFC 4632, RFC 4291). */
export function isCidr(text: string): boolean {
  const [address = '', length = '', rest] = text.split('/');
  if (rest !== undefined || !/^\d{1,3}$/.test(length)) return false;
  const family = isIP(address);
  return family !== 0 && Number(length) <= (family === 4 ? 32 : 128);
}

/** Reads a comma list of CIDR ranges. Throws InjectionError that names the annotation and the bad entry. */
export function readCidrList(annotations: Annotations, key: string, subject: string): readonly string[] {
  const value = annotations?.[key];
  if (value === undefined) return [];
  return entriesOf(value).map((entry) => {
    if (isCidr(entry)) return entry;
    throw new InjectionError(
      'E6110',
      `${subject}: annotation ${key}=${JSON.stringify(value)}: ${JSON.stringify(entry)} is not an address range such as 10.0.0.0/8`,
    );
  });
}

/** Reads a whole number of seconds between 0 and `max`; absent is undefined. */
export function readSeconds(annotations: Annotations, key: string, subject: string, max: number): number | undefined {
  const value = annotations?.[key];
  if (value === undefined) return undefined;
  const seconds = /^\d{1,6}$/.test(value.trim()) ? Number(value) : Number.NaN;
  if (seconds >= 0 && seconds <= max) return seconds;
  throw new InjectionError(
    'E6110',
    `${subject}: annotation ${key}=${JSON.stringify(value)} is not a whole number of seconds from 0 to ${max}`,
  );
}

/** Checks the annotations that let plaintext in; the controller reads them. Throws InjectionError for a bad value. */
export function checkMtls(annotations: Annotations, subject: string): void {
  const mode = annotations?.[ANNOTATION.mtlsMode];
  if (mode !== undefined && !['strict', 'permissive'].includes(mode.trim().toLowerCase())) {
    throw new InjectionError(
      'E6110',
      `${subject}: annotation ${ANNOTATION.mtlsMode}=${JSON.stringify(mode)} is not understood; use "strict" or "permissive"`,
    );
  }
  readPortList(annotations, ANNOTATION.mtlsPermissivePorts, subject);
}
