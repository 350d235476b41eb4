import { type KubeObject, objectKey, TYPES } from '@osm/kube';
import { sameJson } from '../store/fields.ts';
import type { Controller, ControllerContext } from './context.ts';
import { startLoop } from './loop.ts';
import type { Namespace } from './objects.ts';

const DEFAULT_ACCOUNT = 'default';
const ROOT_CA = 'kube-root-ca.crt';

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

/** What a namespace lacks. */
export interface NamespaceLacks {
  readonly account?: KubeObject;
  readonly createBundle?: KubeObject;
  readonly updateBundle?: KubeObject;
}

/**
 * What must be written so that pods can run in a namespace: the account `default`, and the authority of the API server as
 * ConfigMap `kube-root-ca.crt` (Kubernetes docs, "Managing Service Accounts"). Nothing for a namespace that is going.
 */
export const namespaceLacks = (
  namespace: Namespace,
  account: KubeObject | undefined,
  bundle: ConfigMap | undefined,
  clusterCaPem: string,
): NamespaceLacks => {
  if (namespace.metadata.deletionTimestamp !== undefined) return {};
  const data = { 'ca.crt': clusterCaPem };
  const metadata = { namespace: namespace.metadata.name };
  return {
    ...(account === undefined
      ? { account: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...metadata, name: DEFAULT_ACCOUNT } } }
      : {}),
    ...(bundle === undefined
      ? {
          createBundle: {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            metadata: {
              ...metadata,
              name: ROOT_CA,
              annotations: {
                'kubernetes.io/description':
                  'Certificate authority of this cluster: clients verify the API server with it.',
              },
            },
            data,
          },
        }
      : sameJson(bundle.data, data)
        ? {}
        : { updateBundle: { ...bundle, data } }),
  };
};

/** Gives every namespace its default account and the cluster's certificate authority. */
export const startServiceAccounts = (context: ControllerContext, clusterCaPem: string): Controller => {
  const { namespaces } = context.mirrors;
  const accounts = context.mirrors.of(TYPES.serviceAccounts);
  const configMaps = context.mirrors.of<ConfigMap>(TYPES.configMaps);
  const loop = startLoop(context, {
    name: 'serviceaccount',
    async reconcile(key) {
      const namespace = namespaces.get(key);
      if (namespace === undefined) return undefined;
      const { account, createBundle, updateBundle } = namespaceLacks(
        namespace,
        accounts.get(`${key}/${DEFAULT_ACCOUNT}`),
        configMaps.get(`${key}/${ROOT_CA}`),
        clusterCaPem,
      );
      await Promise.all([
        account === undefined ? undefined : accounts.create(account),
        createBundle === undefined ? undefined : configMaps.create(createBundle),
        updateBundle === undefined ? undefined : configMaps.update(updateBundle),
      ]);
      return undefined;
    },
  });
  const ends = [
    namespaces.subscribe(({ type, object }) => {
      if (type === 'added') loop.add(objectKey(object));
    }),
    accounts.subscribe(({ type, object }) => {
      if (type === 'deleted' && object.metadata.name === DEFAULT_ACCOUNT) loop.add(object.metadata.namespace ?? '');
    }),
    configMaps.subscribe(({ type, object }) => {
      if (type !== 'added' && object.metadata.name === ROOT_CA) loop.add(object.metadata.namespace ?? '');
    }),
  ];
  return {
    async stop() {
      for (const end of ends) end();
      await loop.stop();
    },
  };
};
