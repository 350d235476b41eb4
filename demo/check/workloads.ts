import { APP_PORT } from '../start/demo.ts';
import type { CheckContext, Claim } from './claim.ts';
import { claimThat } from './claim-failed.ts';

const NAMESPACE = 'bookstore';
const NAMES = { http: 'probed-by-http', tcp: 'probed-by-tcp', job: 'one-purchase' } as const;

const container = (name: string, probe: object) => ({
  name,
  image: 'bookstore-demo/bookstore',
  ports: [{ name: 'http', containerPort: APP_PORT }],
  readinessProbe: { ...probe, periodSeconds: 1, failureThreshold: 2 },
  securityContext: { runAsUser: 1000, runAsNonRoot: true, allowPrivilegeEscalation: false },
});

const pod = (name: string, probe: object) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: NAMESPACE, labels: { app: name } },
  spec: { serviceAccountName: 'bookstore', containers: [container('app', probe)] },
});

const job = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: NAMES.job, namespace: 'bookbuyer' },
  spec: {
    backoffLimit: 0,
    template: {
      spec: {
        serviceAccountName: 'bookbuyer',
        restartPolicy: 'Never',
        containers: [
          {
            name: 'purchase',
            image: 'bookstore-demo/purchase',
            env: [{ name: 'BOOKSTORE', value: 'http://bookstore.bookstore:14001' }],
            securityContext: { runAsUser: 1000, runAsNonRoot: true, allowPrivilegeEscalation: false },
          },
        ],
      },
    },
  },
};

async function checkProbe({ demo }: CheckContext, name: string, failure: string): Promise<void> {
  const target = `pod/${name}`;
  await demo.kubectl(['wait', '--for=condition=Ready', target, '-n', NAMESPACE, '--timeout=60s']);
  const way = await demo.forward(NAMESPACE, target, APP_PORT);
  await fetch(`${way.url(APP_PORT)}${failure}`, { method: 'POST' }).finally(() => way.close());
  await demo.kubectl(['wait', '--for=condition=Ready=false', target, '-n', NAMESPACE, '--timeout=30s']);
}

/** 7: Jobs end, and probes tell the truth. */
export const workloads: Claim = {
  number: 7,
  title:
    'a Job with a sidecar completes; HTTP- and TCP-probed pods become Ready, and unready when the application fails',
  async verify(context) {
    const { demo } = context;
    const items = [
      job,
      pod(NAMES.http, { httpGet: { path: '/healthz', port: 'http' } }),
      pod(NAMES.tcp, { tcpSocket: { port: 'http' } }),
    ];
    await demo.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await demo.kubectl(['wait', '--for=condition=Complete', `job/${NAMES.job}`, '-n', 'bookbuyer', '--timeout=60s']);
    const said = (await demo.kubectl(['logs', `job/${NAMES.job}`, '-n', 'bookbuyer', '-c', 'purchase'])).trim();
    claimThat(said.includes('200'), `the Job's purchase gave: ${said}`);
    const sidecar = await demo.kubectl([
      'get',
      'pods',
      '-n',
      'bookbuyer',
      '-l',
      `job-name=${NAMES.job}`,
      '-o',
      'jsonpath={.items[0].spec.initContainers[*].name} {.items[0].spec.containers[*].name}',
    ]);
    claimThat(sidecar.split(/\s+/).includes('envoy'), `the Job's pod has no sidecar: ${sidecar}`);
    await Promise.all([checkProbe(context, NAMES.http, '/fail'), checkProbe(context, NAMES.tcp, '/stop-listening')]);
    await demo.kubectl(['delete', 'pod', NAMES.http, NAMES.tcp, '-n', NAMESPACE, '--wait=false']);
    await demo.kubectl(['delete', 'job', NAMES.job, '-n', 'bookbuyer', '--wait=false']);
    return `the Job completed with “${said}” through its sidecar; both probed pods became Ready, and not Ready when the application failed`;
  },
};
