import type { Certificate, CertificateRequest, Issuer } from '@osm/pki';
import type { Logger } from '../admin/log.ts';
import { renewalDelay } from './certificates.ts';

/** A server certificate that renews itself. */
export interface ServingIdentity {
  /** The certificate in force now. */
  certificate(): Certificate;
  close(): void;
}

/** Lifetime of webhook and ADS server certificates. */
export const SERVING_SECONDS = 30 * 24 * 3600;

const MAX_TIMER_MS = 2 ** 31 - 1;
const RETRY_MS = 10_000;

/** Issues a server certificate and renews it in the background; `renewed` takes each new one into use. */
export async function createServingIdentity(
  issuer: Issuer,
  names: readonly [string, ...string[]],
  log: Logger,
  renewed: (certificate: Certificate) => void,
): Promise<ServingIdentity> {
  const request: CertificateRequest = {
    commonName: names[0],
    dnsNames: names,
    validitySeconds: SERVING_SECONDS,
    usages: ['server'],
  };
  let current = await issuer.issue(request);
  let timer: NodeJS.Timeout;
  const wait = (delay: number): void => {
    const rest = delay - MAX_TIMER_MS;
    timer = setTimeout(() => (rest > 0 ? wait(rest) : renew()), Math.min(delay, MAX_TIMER_MS));
    timer.unref();
  };
  const renew = (): void => {
    issuer.issue(request).then(
      (certificate) => {
        current = certificate;
        renewed(certificate);
        wait(renewalDelay(certificate, Date.now(), Math.random()));
      },
      (error: unknown) => {
        log.error({ name: names[0], error: String(error), error_code: 'E4016' }, 'renewing a certificate failed');
        wait(RETRY_MS);
      },
    );
  };
  wait(renewalDelay(current, Date.now(), Math.random()));
  return { certificate: () => current, close: () => clearTimeout(timer) };
}
