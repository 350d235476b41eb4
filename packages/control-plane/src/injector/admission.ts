import { randomUUID } from 'node:crypto';
import { ApiError, type KubeClient, type KubeObject, TYPES } from '@osm/kube';
import type { Issuer } from '@osm/pki';
import jsonPatch from 'fast-json-patch';
import type { Logger } from '../admin/log.ts';
import { proxyCommonName } from '../identity/names.ts';
import { MESH_TYPES } from '../ingest/types.ts';
import { ANNOTATION, APP_NAME, BOOTSTRAP, LABEL } from '../surface.ts';
import { type AdmissionRequest, type AdmissionVerdict, ALLOW, deny } from '../webhook/admission.ts';
import { readSwitch } from './annotations.ts';
import type { ClusterFacts } from './cluster-facts.ts';
import { decideInjection } from './decide.ts';
import { bootstrapFiles, envoyBootstrap } from './envoy-bootstrap.ts';
import { infrastructureExclusions } from './infrastructure.ts';
import { type DataPlaneImages, formerBootstrapSecret, injectPod, type NativeSidecar, reinjectPod } from './inject.ts';
import { InjectionError, type Pod } from './pod.ts';
import { readSidecarSettings } from './settings.ts';

/** What the pod webhook depends on. */
export interface PodWebhookOptions {
  readonly client: KubeClient;
  readonly issuer: Issuer;
  readonly meshName: string;
  readonly osmNamespace: string;
  readonly osmVersion: string;
  readonly trustDomain: string;
  readonly meshConfigName: string;
  readonly images: DataPlaneImages;
  readonly pullPolicy: string;
  readonly infrastructureProfiles: readonly string[];
  readonly nativeSidecar: NativeSidecar;
  readonly concurrency: number;
  readonly facts: () => Promise<ClusterFacts>;
  /** A bootstrap Secret was stored for a pod that may still be refused by others. */
  readonly bootstrapMade: (namespace: string, uuid: string) => void;
  readonly log: Logger;
}

/** Lifetime of a proxy's certificate towards the control plane. It says which pod asks, and admits to nothing else. */
const PROXY_CERTIFICATE_SECONDS = 87_600 * 3600;

async function orUndefined<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'NotFound') return undefined;
    throw error;
  }
}

/** Handles the creation of pods: decides, injects, and stores the bootstrap before it answers. */
export function createPodWebhook(options: PodWebhookOptions): (request: AdmissionRequest) => Promise<AdmissionVerdict> {
  const { client, meshName, osmNamespace, trustDomain, log } = options;

  async function storeBootstrap(
    namespace: string,
    uuid: string,
    files: Readonly<Record<string, string>>,
  ): Promise<void> {
    const name = `${BOOTSTRAP.secretPrefix}${uuid}`;
    const data = Object.fromEntries(
      Object.entries(files).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
    );
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name,
        namespace,
        labels: {
          [LABEL.appName]: APP_NAME,
          [LABEL.appInstance]: meshName,
          [LABEL.appVersion]: options.osmVersion,
          [LABEL.proxyUuid]: uuid,
        },
      },
      type: 'Opaque',
      data,
    };
    await client.create(TYPES.secrets, secret, { namespace });
    options.bootstrapMade(namespace, uuid);
  }

  async function certificateFor(uuid: string, serviceAccount: string, namespace: string) {
    const commonName = proxyCommonName({ uuid, serviceAccount, namespace }, trustDomain);
    const certificate = await options.issuer.issue({
      commonName,
      dnsNames: [commonName],
      validitySeconds: PROXY_CERTIFICATE_SECONDS,
      usages: ['client'],
    });
    return { commonName, certificate };
  }

  /** A pod copied from an injected one: its static configuration is kept, its identity is new. */
  async function reinject(pod: Pod, former: string, namespace: string, dryRun: boolean): Promise<Pod> {
    const uuid = randomUUID();
    const old = await orUndefined(client.get(TYPES.secrets, former, { namespace }));
    const text = (old?.data as Record<string, string> | undefined)?.['bootstrap.yaml'];
    if (text === undefined) {
      throw new InjectionError(
        'E6108',
        `the pod was copied from a meshed pod whose Secret ${namespace}/${former} is gone; remove the containers and the volume that the mesh added, or copy a running pod`,
      );
    }
    if (!dryRun) {
      const { commonName, certificate } = await certificateFor(
        uuid,
        pod.spec.serviceAccountName || 'default',
        namespace,
      );
      const bootstrap = JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as { node: object };
      const renamed = { ...bootstrap, node: { ...bootstrap.node, id: commonName } };
      await storeBootstrap(namespace, uuid, bootstrapFiles(renamed, certificate, trustDomain));
    }
    return reinjectPod(pod, uuid);
  }

  async function inject(pod: Pod, namespace: KubeObject, dryRun: boolean): Promise<Pod> {
    const [facts, meshConfig] = await Promise.all([
      options.facts(),
      orUndefined(client.get(MESH_TYPES.meshConfigs, options.meshConfigName, { namespace: osmNamespace })),
    ]);
    if (meshConfig === undefined) {
      log.warn(
        { error_code: 'E4152' },
        `MeshConfig ${osmNamespace}/${options.meshConfigName} does not exist; injecting with the defaults`,
      );
    }
    const settings = readSidecarSettings(meshConfig);
    const namespaceName = namespace.metadata.name;
    const uuid = randomUUID();
    const subject = `Namespace ${namespaceName}`;
    const injected = injectPod(pod, {
      namespace: namespaceName,
      uuid,
      metrics: readSwitch(namespace.metadata.annotations, ANNOTATION.metrics, subject, 'E6109') === true,
      settings,
      defaultImages: options.images,
      pullPolicy: options.pullPolicy,
      infrastructure: infrastructureExclusions(options.infrastructureProfiles, facts.apiServer),
      kubernetesMinor: facts.kubernetesMinor,
      nativeSidecar: options.nativeSidecar,
      concurrency: options.concurrency,
    });
    if (!dryRun) {
      const { commonName, certificate } = await certificateFor(uuid, injected.serviceAccount, namespaceName);
      const bootstrap = envoyBootstrap({
        nodeId: commonName,
        nodeCluster: `${injected.serviceAccount}.${namespaceName}`,
        meshName,
        osmNamespace,
        trustDomain,
        settings,
        probes: injected.probes,
      });
      await storeBootstrap(namespaceName, uuid, bootstrapFiles(bootstrap, certificate, trustDomain));
    }
    return injected.pod;
  }

  return async (request) => {
    if (request.operation !== 'CREATE' || request.kind.kind !== 'Pod' || request.kind.group !== '') return ALLOW;
    const pod = request.object as Pod | undefined;
    const name = request.namespace;
    if (pod?.spec === undefined || name === undefined || name === '') {
      return deny(400, 'the admission request carries no pod with a namespace');
    }
    try {
      // Read live: a namespace that joined the mesh a moment ago must not get a pod without its proxy.
      const namespace = await client.get(TYPES.namespaces, name);
      const { labels, annotations } = namespace.metadata;
      const decision = decideInjection(pod, { name, labels, annotations }, meshName, osmNamespace);
      log.debug({ namespace: name, pod: pod.metadata?.name, ...decision }, 'pod admitted');
      if (!decision.inject) return ALLOW;
      const former = formerBootstrapSecret(pod);
      const dryRun = request.dryRun === true;
      const mutated =
        former === undefined ? await inject(pod, namespace, dryRun) : await reinject(pod, former, name, dryRun);
      return { allowed: true, patch: jsonPatch.compare(pod, mutated) };
    } catch (error) {
      if (!(error instanceof InjectionError)) throw error;
      log.warn({ namespace: name, error_code: error.code, error: error.message }, 'pod refused');
      return deny(400, error.message);
    }
  };
}
