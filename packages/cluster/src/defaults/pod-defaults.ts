import { isRecord, list, record, text } from '../store/fields.ts';
import { all, derive, each, type Fill, fill, within } from './fill.ts';

/** Access rights of the files of a volume: rw-r--r--. */
const DEFAULT_MODE = 0o644;

const fieldReference = within('fieldRef', fill({ apiVersion: 'v1' }));
const downwardItems = all(fill({ defaultMode: DEFAULT_MODE }), each('items', fieldReference));

/** The tag of an image without a digest; `latest` when it has none. */
const isLatest = (image: string): boolean => {
  if (image.includes('@')) return false;
  const name = image.slice(image.lastIndexOf('/') + 1);
  const tag = name.includes(':') ? name.slice(name.indexOf(':') + 1) : 'latest';
  return tag === 'latest';
};

const httpGet = within('httpGet', fill({ path: '/', scheme: 'HTTP' }));

const probe = all(
  fill({ timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 }),
  // Zero counts as absent.
  derive((fields) => ({
    ...(fields.timeoutSeconds === 0 ? { timeoutSeconds: 1 } : {}),
    ...(fields.periodSeconds === 0 ? { periodSeconds: 10 } : {}),
    ...(fields.successThreshold === 0 ? { successThreshold: 1 } : {}),
    ...(fields.failureThreshold === 0 ? { failureThreshold: 3 } : {}),
  })),
  httpGet,
  derive((fields) =>
    isRecord(fields.grpc) && fields.grpc.service === undefined ? { grpc: { ...fields.grpc, service: '' } } : {},
  ),
);

const container = all(
  fill({ terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', resources: {} }),
  derive((fields) =>
    text(fields.imagePullPolicy) === ''
      ? { imagePullPolicy: isLatest(text(fields.image)) ? 'Always' : 'IfNotPresent' }
      : {},
  ),
  each('ports', fill({ protocol: 'TCP' })),
  each('env', within('valueFrom', fieldReference)),
  within('livenessProbe', probe),
  within('readinessProbe', probe),
  within('startupProbe', probe),
  within('lifecycle', all(within('postStart', httpGet), within('preStop', httpGet))),
);

const claim = within('spec', fill({ volumeMode: 'Filesystem' }));

const projection = all(
  within('serviceAccountToken', fill({ expirationSeconds: 3600 })),
  within('downwardAPI', each('items', fieldReference)),
);

const volume = all(
  // A volume without a source is an empty directory.
  derive((fields) =>
    Object.entries(fields).some(([name, value]) => name !== 'name' && value !== undefined) ? {} : { emptyDir: {} },
  ),
  within('secret', fill({ defaultMode: DEFAULT_MODE })),
  within('configMap', fill({ defaultMode: DEFAULT_MODE })),
  within('downwardAPI', downwardItems),
  within('projected', all(fill({ defaultMode: DEFAULT_MODE }), each('sources', projection))),
  within(
    'hostPath',
    derive((fields) => (fields.type === undefined ? { type: '' } : {})),
  ),
  within('iscsi', fill({ iscsiInterface: 'default' })),
  within('ephemeral', within('volumeClaimTemplate', claim)),
);

/** On the host's network a port of a container is a port of the host. */
const hostPorts = derive((spec) => {
  if (spec.hostNetwork !== true) return {};
  const open = (containers: unknown) =>
    each(
      'ports',
      derive((port) => (port.hostPort === undefined ? { hostPort: port.containerPort } : {})),
    )(containers);
  return Object.fromEntries(
    ['containers', 'initContainers']
      .filter((name) => Array.isArray(spec[name]))
      .map((name) => [name, same(list(spec[name]), list(spec[name]).map(open))]),
  );
});

const same = (before: readonly unknown[], after: readonly unknown[]): readonly unknown[] =>
  after.every((child, index) => child === before[index]) ? before : after;

/** Both names of the field are kept alike: `serviceAccount` is the old one. */
const serviceAccount = derive((spec) => {
  const name = text(spec.serviceAccountName) || text(spec.serviceAccount);
  return name === '' ? {} : { serviceAccountName: name, serviceAccount: name };
});

/** What the API server fills into every PodSpec, in pods and in templates. */
export const podSpecDefaults: Fill = all(
  fill({
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
  }),
  serviceAccount,
  each('containers', container),
  each('initContainers', container),
  each('ephemeralContainers', container),
  each('volumes', volume),
  hostPorts,
);

/** A container that has limits but no requests asks for its limits. */
const requests = within(
  'resources',
  derive((resources) => {
    const limits = record(resources.limits);
    const asked = record(resources.requests);
    const missing = Object.keys(limits).filter((name) => asked[name] === undefined);
    if (missing.length === 0) return {};
    return { requests: { ...asked, ...Object.fromEntries(missing.map((name) => [name, limits[name]])) } };
  }),
);

/** The defaults of pods, beyond those of their templates. */
export const podDefaults: Fill = within(
  'spec',
  all(
    podSpecDefaults,
    fill({ enableServiceLinks: true }),
    each('containers', requests),
    each('initContainers', requests),
  ),
);

/** The defaults of `spec.template` of workloads. */
export const templateDefaults: Fill = within('template', within('spec', podSpecDefaults));

/** The defaults of claims for storage. */
export const claimDefaults: Fill = claim;
