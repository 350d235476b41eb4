import { ApiError, type KubeClient, type KubeObject, TYPES } from '@osm/kube';
import type { Issuer } from '@osm/pki';
import type { Logger } from '../admin/log.ts';
import type { GatewaySettings } from '../ingest/control-settings.ts';
import { renewalDelay } from './certificates.ts';
import { GATEWAY_LABEL, gatewayRequest, gatewaySecret, gatewayValidity, isGatewaySecret } from './gateway-secret.ts';

/** The certificate by which an ingress gateway is known to the mesh (MeshConfig `certificate.ingressGateway`). */
export interface GatewayCertificate {
  /** Sees to it that the Secret is as the settings say; without settings, that there is none. */
  follow(settings: GatewaySettings | undefined): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
  close(): void;
}

/** What the Secret is kept with. */
export interface GatewayCertificateOptions {
  readonly client: KubeClient;
  readonly issuer: Issuer;
  readonly meshName: string;
  readonly osmNamespace: string;
  readonly log: Logger;
  /** A number in [0, 1); for tests. */
  readonly random?: () => number;
  /** Current time in ms; for tests. */
  readonly now?: () => number;
}

type Place = GatewaySettings['secret'];

/** The Secret is looked at this often: somebody may have changed it, or the roots. */
const LOOK_MS = 600_000;
const RETRY_MS = 10_000;

const samePlace = (a: Place | undefined, b: Place | undefined): boolean =>
  a?.name === b?.name && a?.namespace === b?.namespace;

/**
 * Keeps the gateway's Secret. Replicas of the controller do the same side by side: each looks at what is there before it
 * writes, and writes only over what it looked at. A Secret that the mesh did not make is never touched.
 */
export function createGatewayCertificate(options: GatewayCertificateOptions): GatewayCertificate {
  const { client, issuer, meshName, osmNamespace, log } = options;
  const now = options.now ?? Date.now;
  const random = options.random ?? Math.random;
  let wanted: GatewaySettings | undefined;
  let held: Place | undefined;
  let tidied = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;

  async function read({ name, namespace }: Place): Promise<KubeObject | undefined> {
    try {
      return await client.get(TYPES.secrets, name, { namespace });
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }

  async function remove(secret: KubeObject | undefined): Promise<void> {
    if (secret === undefined || !isGatewaySecret(secret, meshName)) return;
    const { name, namespace = '', uid } = secret.metadata;
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    await client.delete(TYPES.secrets, name, { namespace, ...preconditions }).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.code === 404)) throw error;
    });
    log.info({ secret: `${namespace}/${name}` }, "the ingress gateway's certificate was withdrawn");
  }

  /** Secrets of settings that were withdrawn while no controller ran. */
  async function tidy(): Promise<void> {
    const { items } = await client.list(TYPES.secrets, {
      namespace: osmNamespace,
      labelSelector: `${GATEWAY_LABEL}=${meshName}`,
    });
    for (const secret of items) {
      const { name, namespace = osmNamespace } = secret.metadata;
      if (!samePlace(wanted?.secret, { name, namespace })) await remove(secret);
    }
    tidied = true;
  }

  /** Writes the Secret unless it is as it should be; returns the ms until it must be looked at again. */
  async function keep(settings: GatewaySettings): Promise<number> {
    const { name, namespace } = settings.secret;
    const present = await read(settings.secret);
    if (present !== undefined && !isGatewaySecret(present, meshName)) {
      throw new Error(`Secret ${namespace}/${name} was not made by the mesh: delete it, or name another`);
    }
    held = settings.secret;
    const validity = present && gatewayValidity(present, settings, issuer.trustBundle());
    const rest = validity && renewalDelay(validity, now(), random());
    if (rest !== undefined && rest > 0) return rest;
    const certificate = await issuer.issue(gatewayRequest(settings));
    const secret = gatewaySecret(settings, certificate, meshName);
    if (present === undefined) await client.create(TYPES.secrets, secret, { namespace });
    else {
      const { resourceVersion = '' } = present.metadata;
      await client.update(TYPES.secrets, { ...secret, metadata: { ...secret.metadata, resourceVersion } });
    }
    log.info({ secret: `${namespace}/${name}` }, "the ingress gateway's certificate was issued");
    return renewalDelay(certificate, now(), random());
  }

  async function reconcile(): Promise<void> {
    clearTimeout(timer);
    let rest: number | undefined;
    try {
      if (!tidied) await tidy();
      if (held !== undefined && !samePlace(held, wanted?.secret)) {
        await remove(await read(held));
        held = undefined;
      }
      if (wanted !== undefined) rest = await keep(wanted);
    } catch (error) {
      // Another replica was faster; what it wrote is looked at right away.
      const lost = error instanceof ApiError && error.code === 409;
      rest = lost ? 0 : RETRY_MS;
      if (!lost) {
        const fields = { error: String(error), error_code: 'E4005' };
        log.error(fields, "the Secret of the ingress gateway's certificate could not be written");
      }
    }
    if (rest === undefined || closed) return;
    timer = setTimeout(start, Math.min(rest, LOOK_MS));
    timer.unref();
  }

  function start(): void {
    if (closed) return;
    again = true;
    running ??= (async () => {
      while (again && !closed) {
        again = false;
        await reconcile();
      }
    })().finally(() => {
      running = undefined;
    });
  }

  return {
    follow(settings) {
      if (tidied && JSON.stringify(settings) === JSON.stringify(wanted)) return;
      wanted = settings;
      start();
    },
    async idle() {
      while (running !== undefined) await running;
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
