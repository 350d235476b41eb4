import { type KubeObject, objectKey } from '@osm/kube';
import { sameJson } from '../../store/fields.ts';
import { type Controller, type ControllerContext, neighbour } from '../context.ts';
import { startLoop } from '../loop.ts';
import type { Endpoints, Node, Pod, Service } from '../objects.ts';
import { mirroredGroups, wantsMirror } from './mirrored.ts';
import { HEADLESS, MANAGED_BY, planSlices, SERVICE_NAME, type SliceFacts } from './plan-slices.ts';
import { isHeadless, type PortGroup, serviceEndpoints } from './service-endpoints.ts';
import { subsetsOf } from './subsets.ts';

/** Values of the managed-by label. */
const MANAGERS = { selector: 'endpointslice-controller.k8s.io', mirror: 'endpointslicemirroring-controller.k8s.io' };
const ENDPOINTS_MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';

const hasSelector = (service: Service): boolean =>
  service.spec?.type !== 'ExternalName' && Object.keys(service.spec?.selector ?? {}).length > 0;

const selects = (service: Service, labels: Readonly<Record<string, string>> = {}): boolean =>
  hasSelector(service) && Object.entries(service.spec?.selector ?? {}).every(([key, value]) => labels[key] === value);

/** Keeps the EndpointSlices and Endpoints of services. */
export const startEndpoints = (context: ControllerContext): Controller => {
  const { services, endpoints, endpointSlices, pods, nodes, podsByNamespace } = context.mirrors;
  const servicesByNamespace = services.index((service) => [service.metadata.namespace ?? '']);
  const slicesByService = endpointSlices.index((slice) => {
    const name = slice.metadata.labels?.[SERVICE_NAME];
    return name === undefined ? [] : [neighbour(slice, name)];
  });

  const writeSlices = async (facts: Omit<SliceFacts, 'present'>, key: string, manager: string): Promise<void> => {
    const present = slicesByService
      .of(key)
      .filter(
        (slice) => slice.metadata.labels?.[MANAGED_BY] === manager && slice.metadata.deletionTimestamp === undefined,
      )
      .sort((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1));
    const { create, update, remove } = planSlices({ ...facts, present });
    await Promise.all([
      ...create.map((slice) => endpointSlices.create(slice)),
      ...update.map((slice) => endpointSlices.update(slice)),
    ]);
    // Last, so that an endpoint which moves is never missing.
    await Promise.all(remove.map((slice) => endpointSlices.delete(slice)));
  };

  const removeSlices = async (key: string, manager: string): Promise<void> => {
    const going = slicesByService.of(key).filter((slice) => slice.metadata.labels?.[MANAGED_BY] === manager);
    await Promise.all(going.map((slice) => endpointSlices.delete(slice)));
  };

  const writeEndpoints = async (service: Service, groups: readonly PortGroup[]): Promise<void> => {
    const { name, namespace = '', labels = {} } = service.metadata;
    const present = endpoints.get(objectKey(service));
    const { subsets, truncated } = subsetsOf(groups, service.spec?.publishNotReadyAddresses === true);
    const { [OVER_CAPACITY]: _over, ...annotations } = present?.metadata.annotations ?? {};
    const metadata = {
      ...present?.metadata,
      name,
      namespace,
      labels: { ...labels, ...headlessLabel(service), [ENDPOINTS_MANAGED_BY]: 'endpoint-controller' },
      annotations: { ...annotations, ...(truncated ? { [OVER_CAPACITY]: 'truncated' } : {}) },
    };
    const wanted: Endpoints = {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: Object.keys(metadata.annotations).length === 0 ? without(metadata) : metadata,
      ...(subsets.length === 0 ? {} : { subsets }),
    };
    if (present === undefined) await endpoints.create(wanted);
    else if (!sameEndpoints(present, wanted)) await endpoints.update(wanted);
  };

  const fromSelector = async (service: Service, key: string): Promise<void> => {
    const { name, namespace = '', labels = {} } = service.metadata;
    const selected = podsByNamespace.of(namespace).filter((pod) => selects(service, pod.metadata.labels));
    const groups = serviceEndpoints(service, selected, (node): Node | undefined => nodes.get(node));
    const sliceLabels = {
      ...withoutReserved(labels),
      ...headlessLabel(service),
      [SERVICE_NAME]: name,
      [MANAGED_BY]: MANAGERS.selector,
    };
    await Promise.all([
      writeSlices({ owner: service, service: name, labels: sliceLabels, groups }, key, MANAGERS.selector),
      writeEndpoints(service, groups),
      removeSlices(key, MANAGERS.mirror),
    ]);
  };

  const fromEndpoints = async (service: Service, key: string): Promise<void> => {
    const given = endpoints.get(key);
    await removeSlices(key, MANAGERS.selector);
    if (given === undefined || !wantsMirror(given)) {
      await removeSlices(key, MANAGERS.mirror);
      return;
    }
    const { name } = service.metadata;
    const labels = {
      ...withoutReserved(given.metadata.labels ?? {}),
      ...headlessLabel(service),
      [SERVICE_NAME]: name,
      [MANAGED_BY]: MANAGERS.mirror,
    };
    await writeSlices({ owner: given, service: name, labels, groups: mirroredGroups(given) }, key, MANAGERS.mirror);
  };

  const loop = startLoop(context, {
    name: 'endpoints',
    async reconcile(key) {
      const service = services.get(key);
      const gone = service === undefined || service.metadata.deletionTimestamp !== undefined;
      if (gone || service.spec?.type === 'ExternalName') {
        await Promise.all([removeSlices(key, MANAGERS.selector), removeSlices(key, MANAGERS.mirror)]);
        // Endpoints have no owner: they go with the service of their name.
        const orphan = endpoints.get(key);
        if (gone && orphan?.metadata.labels?.[ENDPOINTS_MANAGED_BY] !== undefined) await endpoints.delete(orphan);
      } else if (hasSelector(service)) await fromSelector(service, key);
      else await fromEndpoints(service, key);
      return undefined;
    },
  });

  const addServicesOf = (pod: Pod): void => {
    for (const service of servicesByNamespace.of(pod.metadata.namespace ?? ''))
      if (selects(service, pod.metadata.labels)) loop.add(objectKey(service));
  };
  const ends = [
    services.subscribe(({ object }) => loop.add(objectKey(object))),
    pods.subscribe((change) => {
      if (change.type === 'updated') {
        if (sameForServices(change.old, change.object)) return;
        if (change.old.metadata.labels !== change.object.metadata.labels) addServicesOf(change.old);
      }
      addServicesOf(change.object);
    }),
    endpoints.subscribe(({ object }) => loop.add(objectKey(object))),
    endpointSlices.subscribe((change) => {
      // Slices that somebody else has changed or deleted are put right.
      const name = change.object.metadata.labels?.[SERVICE_NAME];
      if (name !== undefined) loop.add(neighbour(change.object, name));
      const before = change.type === 'updated' ? change.old.metadata.labels?.[SERVICE_NAME] : undefined;
      if (before !== undefined && before !== name) loop.add(neighbour(change.object, before));
    }),
  ];
  return {
    async stop() {
      for (const end of ends) end();
      await loop.stop();
    },
  };
};

const headlessLabel = (service: Service): Readonly<Record<string, string>> =>
  isHeadless(service) ? { [HEADLESS]: '' } : {};

const withoutReserved = (labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(labels).filter(([key]) => ![SERVICE_NAME, MANAGED_BY, HEADLESS, ENDPOINTS_MANAGED_BY].includes(key)),
  );

const without = <T extends { annotations?: unknown }>({
  annotations: _annotations,
  ...rest
}: T): Omit<T, 'annotations'> => rest;

const sameEndpoints = (left: Endpoints, right: Endpoints): boolean =>
  sameJson(left.subsets ?? [], right.subsets ?? []) &&
  sameJson(left.metadata.labels ?? {}, right.metadata.labels ?? {}) &&
  sameJson(left.metadata.annotations ?? {}, right.metadata.annotations ?? {});

/** What services see of a pod; most changes of a pod concern none of it. */
const sameForServices = (left: Pod, right: Pod): boolean => sameJson(seenByServices(left), seenByServices(right));

const seenByServices = (pod: Pod): unknown => {
  const conditions = pod.status?.conditions?.filter(({ type }) => type === 'Ready').map(({ status }) => status);
  const { metadata, status, spec } = pod;
  const identity: KubeObject['metadata'] = metadata;
  return [
    identity.uid,
    identity.labels,
    identity.deletionTimestamp === undefined,
    status?.podIP,
    spec.nodeName,
    status?.phase,
    conditions,
  ];
};
