import { ApiError, type KubeClient, type KubeObject, TYPES } from '@osm/kube';
import { APP_NAME, LABEL } from '../surface.ts';

/** PEM certificate and key of a certificate authority. */
export interface AuthorityMaterial {
  readonly certificatePem: string;
  readonly keyPem: string;
}

const CERTIFICATE_KEY = 'ca.crt';
const PRIVATE_KEY_KEY = 'private.key';

const decode = (data: unknown, key: string): string => {
  const value = (data as Record<string, string> | undefined)?.[key];
  return value === undefined ? '' : Buffer.from(value, 'base64').toString('utf8');
};

function readMaterial(secret: KubeObject): AuthorityMaterial {
  const certificatePem = decode(secret.data, CERTIFICATE_KEY);
  const keyPem = decode(secret.data, PRIVATE_KEY_KEY);
  const missing = certificatePem === '' ? CERTIFICATE_KEY : keyPem === '' ? PRIVATE_KEY_KEY : undefined;
  if (missing !== undefined) {
    const { namespace, name } = secret.metadata;
    throw new Error(
      `Secret ${namespace}/${name} has no key ${missing}: restore it from a backup, or delete the Secret to let the mesh make a new root (every workload must then restart)`,
    );
  }
  return { certificatePem, keyPem };
}

/**
 * The mesh's embedded authority from its Secret, made when absent. Several replicas may start at once: the API server
 * lets one of them create the Secret, and all others read it. Rejects when the Secret exists without its keys.
 */
export async function loadAuthority(
  client: KubeClient,
  place: { readonly namespace: string; readonly secretName: string; readonly meshName: string },
  make: () => Promise<AuthorityMaterial>,
): Promise<AuthorityMaterial> {
  const { namespace, secretName } = place;
  const read = async (): Promise<AuthorityMaterial | undefined> => {
    try {
      return readMaterial(await client.get(TYPES.secrets, secretName, { namespace }));
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
      throw error;
    }
  };
  const present = await read();
  if (present !== undefined) return present;
  const made = await make();
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  try {
    await client.create(
      TYPES.secrets,
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name: secretName,
          namespace,
          labels: { [LABEL.appName]: APP_NAME, [LABEL.appInstance]: place.meshName },
        },
        type: 'Opaque',
        data: { [CERTIFICATE_KEY]: base64(made.certificatePem), [PRIVATE_KEY_KEY]: base64(made.keyPem) },
      },
      { namespace },
    );
    return made;
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== 'AlreadyExists') throw error;
    const winner = await read();
    if (winner === undefined) throw new Error(`Secret ${namespace}/${secretName} vanished while it was being read`);
    return winner;
  }
}
