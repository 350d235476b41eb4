import { constants } from 'node:crypto';
import { ServerCredentials } from '@grpc/grpc-js';
import type { Certificate } from '@osm/pki';

type ContextOptions = NonNullable<ConstructorParameters<typeof ServerCredentials>[1]>;

/** A peer that does not finish its handshake by then is let go; ms. */
const HANDSHAKE_MS = 10_000;

const contextOf = (certificate: Certificate): ContextOptions => ({
  cert: certificate.chainPem,
  key: certificate.keyPem,
  ca: certificate.trustPem,
  minVersion: 'TLSv1.2',
  // Each connection is verified against the roots of its time; streams live long, so resumption would gain nothing.
  secureOptions: constants.SSL_OP_NO_TICKET,
});

/** TLS for a gRPC server: client certificates are mandatory, TLS 1.2 or newer, and the certificate can be replaced. */
export class RenewableCredentials extends ServerCredentials {
  constructor(certificate: Certificate) {
    super({ requestCert: true, rejectUnauthorized: true, handshakeTimeout: HANDSHAKE_MS }, contextOf(certificate));
  }

  /** New connections see the certificate and are verified against its roots; open ones stay as they are. */
  renew(certificate: Certificate): void {
    this.updateSecureContextOptions(contextOf(certificate));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}
