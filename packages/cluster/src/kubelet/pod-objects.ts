import { ApiError, type KubeClient, type KubeObject, TYPES } from '@osm/kube';
import type { Pod } from './pod.ts';
import type { VolumeSources } from './volume-files.ts';

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

interface Secret extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

interface TokenRequest extends KubeObject {
  readonly status?: { readonly token: string; readonly expirationTimestamp: string };
}

interface HeldToken {
  readonly token: string;
  /** From here on (ms) a new one is asked for. */
  readonly refreshAt: number;
}

/**
 * ConfigMaps, Secrets and service account tokens of pods, always read from the API: what a pod starts with is what the
 * API held at that moment. Tokens are kept until 80 % of their life is over (Kubernetes docs, "Projected volumes").
 */
export class PodObjects {
  private readonly client: KubeClient;
  private readonly tokens = new Map<string, Map<string, HeldToken>>();

  constructor(client: KubeClient) {
    this.client = client;
  }

  /** Decoded data of a ConfigMap; undefined when it does not exist. */
  async configMap(namespace: string, name: string): Promise<Readonly<Record<string, Buffer>> | undefined> {
    const object = await this.find<ConfigMap>(this.client.get<ConfigMap>(TYPES.configMaps, name, { namespace }));
    if (!object) return undefined;
    return { ...decode(object.data, 'utf8'), ...decode(object.binaryData, 'base64') };
  }

  /** Decoded data of a Secret; undefined when it does not exist. */
  async secret(namespace: string, name: string): Promise<Readonly<Record<string, Buffer>> | undefined> {
    const object = await this.find<Secret>(this.client.get<Secret>(TYPES.secrets, name, { namespace }));
    return object && decode(object.data, 'base64');
  }

  /** The view of one pod's volumes. */
  sourcesOf(pod: Pod): VolumeSources {
    const namespace = pod.metadata.namespace ?? 'default';
    return {
      configMap: (name) => this.configMap(namespace, name),
      secret: (name) => this.secret(namespace, name),
      token: (audience, seconds) => this.token(pod, audience, seconds),
    };
  }

  /** Forgets the tokens of a pod that has ended. */
  forget(pod: Pod): void {
    this.tokens.delete(pod.metadata.uid ?? '');
  }

  /** When (ms) the first token of the pod wants renewal; undefined when it has none. */
  refreshAt(pod: Pod): number | undefined {
    const times = [...(this.tokens.get(pod.metadata.uid ?? '')?.values() ?? [])].map((held) => held.refreshAt);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  private async token(pod: Pod, audience: string | undefined, expirationSeconds: number): Promise<string> {
    const uid = pod.metadata.uid ?? '';
    const held = this.tokens.get(uid) ?? new Map<string, HeldToken>();
    this.tokens.set(uid, held);
    const key = JSON.stringify([audience, expirationSeconds]);
    const present = held.get(key);
    if (present && Date.now() < present.refreshAt) return present.token;
    const asked = Date.now();
    const answer = await this.client.create<TokenRequest>(
      TYPES.serviceAccounts,
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {
          audiences: audience === undefined ? [] : [audience],
          expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid },
        },
      },
      {
        namespace: pod.metadata.namespace ?? 'default',
        name: pod.spec.serviceAccountName ?? 'default',
        subresource: 'token',
      },
    );
    if (!answer.status?.token) throw new Error('the API server answered a TokenRequest without a token');
    const life = Date.parse(answer.status.expirationTimestamp) - asked;
    held.set(key, {
      token: answer.status.token,
      refreshAt: asked + (Number.isFinite(life) ? life : expirationSeconds * 1000) * 0.8,
    });
    return answer.status.token;
  }

  private async find<T>(request: Promise<T>): Promise<T | undefined> {
    try {
      return await request;
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return undefined;
      throw error;
    }
  }
}

function decode(
  data: Readonly<Record<string, string>> | undefined,
  encoding: 'utf8' | 'base64',
): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, encoding)]));
}
