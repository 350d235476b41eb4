import type { Certificate, Issuer } from '@osm/pki';
import type { Logger } from '../admin/log.ts';
import { identityKey, principalOf, type ServiceIdentity, spiffeIdOf } from './names.ts';

/** Certificates of workload identities, always valid, renewed in the background. */
export interface CertificateStore {
  /**
   * The identity's certificate; issues one when there is none yet. Concurrent calls share one issuance.
   * Rejects when the issuer fails and no certificate exists.
   */
  obtain(identity: ServiceIdentity): Promise<Certificate>;
  /** The certificate in force, when one was obtained before. */
  current(identity: ServiceIdentity): Certificate | undefined;
  /** Stops renewing the certificate; a later {@link obtain} issues a new one. */
  forget(identity: ServiceIdentity): void;
  /** PEM bundle of the roots to trust. */
  trustBundle(): string;
  close(): void;
}

/** What the store depends on. */
export interface CertificateStoreOptions {
  readonly issuer: Issuer;
  readonly trustDomain: string;
  /** Read for each issuance, so that MeshConfig changes take effect on the next one. */
  validitySeconds(): number;
  /** A certificate was replaced by a newer one. */
  rotated(identity: ServiceIdentity, certificate: Certificate): void;
  readonly log: Logger;
  /** A number in [0, 1); for tests. */
  readonly random?: () => number;
  /** Current time in ms; for tests. */
  readonly now?: () => number;
}

/** setTimeout holds at most 2^31-1 ms; longer waits are taken in steps. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const RETRY_MS = 10_000;

/** Milliseconds until renewal: at two thirds of the certificate's life, earlier by up to a tenth of it (jitter). */
export function renewalDelay(
  certificate: Pick<Certificate, 'notBefore' | 'notAfter'>,
  now: number,
  random: number,
): number {
  const life = certificate.notAfter.getTime() - certificate.notBefore.getTime();
  const due = certificate.notBefore.getTime() + life * (2 / 3 - random / 10);
  return Math.max(0, due - now);
}

interface Entry {
  readonly identity: ServiceIdentity;
  certificate: Certificate | undefined;
  pending: Promise<Certificate> | undefined;
  timer: NodeJS.Timeout | undefined;
}

/** Creates a store on an issuer. */
export function createCertificateStore(options: CertificateStoreOptions): CertificateStore {
  const entries = new Map<string, Entry>();
  const now = options.now ?? Date.now;
  const random = options.random ?? Math.random;

  function issue(entry: Entry): Promise<Certificate> {
    if (entry.pending !== undefined) return entry.pending;
    const { identity } = entry;
    const principal = principalOf(identity, options.trustDomain);
    entry.pending = options.issuer
      .issue({
        commonName: principal,
        dnsNames: [principal],
        uris: [spiffeIdOf(identity, options.trustDomain)],
        validitySeconds: options.validitySeconds(),
      })
      .then((certificate) => {
        entry.certificate = certificate;
        schedule(entry, renewalDelay(certificate, now(), random()));
        return certificate;
      })
      .finally(() => {
        entry.pending = undefined;
      });
    return entry.pending;
  }

  function schedule(entry: Entry, delay: number): void {
    // Forgotten while its certificate was being issued.
    if (entries.get(identityKey(entry.identity)) !== entry) return;
    clearTimeout(entry.timer);
    entry.timer = setTimeout(
      () => {
        if (delay > MAX_TIMER_MS) schedule(entry, delay - MAX_TIMER_MS);
        else renew(entry);
      },
      Math.min(delay, MAX_TIMER_MS),
    );
    entry.timer.unref();
  }

  function renew(entry: Entry): void {
    issue(entry).then(
      (certificate) => {
        if (entries.get(identityKey(entry.identity)) === entry) options.rotated(entry.identity, certificate);
      },
      (error: unknown) => {
        const { identity } = entry;
        options.log.error({ ...identity, error: String(error), error_code: 'E4016' }, 'renewing a certificate failed');
        schedule(entry, RETRY_MS);
      },
    );
  }

  return {
    async obtain(identity) {
      const key = identityKey(identity);
      let entry = entries.get(key);
      if (entry === undefined) {
        entry = { identity, certificate: undefined, pending: undefined, timer: undefined };
        entries.set(key, entry);
      }
      return entry.certificate ?? issue(entry);
    },
    current: (identity) => entries.get(identityKey(identity))?.certificate,
    forget(identity) {
      const key = identityKey(identity);
      clearTimeout(entries.get(key)?.timer);
      entries.delete(key);
    },
    trustBundle: () => options.issuer.trustBundle(),
    close() {
      for (const entry of entries.values()) clearTimeout(entry.timer);
      entries.clear();
    },
  };
}
