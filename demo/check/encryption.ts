import { nodeExec } from '@osm/cluster';
import { outcome } from '../start/command.ts';
import { APP_PORT } from '../start/demo.ts';
import type { CheckContext, Claim } from './claim.ts';
import { claimThat } from './claim-failed.ts';
import type { Sidecar } from './proxies.ts';
import { openShopper } from './shopper.ts';
import { assemble } from './streams.ts';
import { readRecords } from './tls-records.ts';
import { until } from './until.ts';

const OUTSIDE = 'outside';
const MIN_OUTSIDE_REQUESTS = 20;
const PATIENCE_MS = 30_000;

const hostOf = (end: string): string => end.slice(0, end.lastIndexOf(':'));

/** Every byte between meshed pods is part of a TLS record of version 1.2 or 1.3. */
async function checkCapture(context: CheckContext, meshed: ReadonlySet<string>): Promise<string> {
  const streams = assemble(await context.capture.stop()).filter(
    (stream) => meshed.has(hostOf(stream.from)) && meshed.has(hostOf(stream.to)),
  );
  const versions = new Set<string>();
  let bytes = 0;
  let records = 0;
  for (const stream of streams) {
    // A connection from before the capture begins within a record; it is judged by what it lacks.
    if (!stream.complete) {
      const text = stream.bytes.toString('latin1');
      claimThat(!/HTTP\/1\.[01]|PRI \* HTTP/.test(text), `plaintext HTTP from ${stream.from} to ${stream.to}`);
      continue;
    }
    const direction = readRecords(stream.bytes);
    claimThat(direction.fault === undefined, `from ${stream.from} to ${stream.to}: ${direction.fault}`);
    for (const version of direction.versions) versions.add(version);
    bytes += stream.bytes.length;
    records += direction.records;
  }
  const complete = streams.filter((stream) => stream.complete).length;
  claimThat(complete > 0 && records > 100, `the capture holds only ${records} records between meshed pods`);
  const old = [...versions].filter((version) => version !== 'TLS 1.2' && version !== 'TLS 1.3');
  claimThat(versions.size > 0 && old.length === 0, `TLS versions seen: ${[...versions].join(', ') || 'none'}`);
  return `${complete} streams, ${records} records, ${(bytes / 1024).toFixed(0)} KiB between meshed pods, all ${[...versions].sort().join(', ')}`;
}

/** Asks a sidecar for its certificate as a TLS client would, and compares the name in it with the pod's service account. */
async function checkCertificate(
  context: CheckContext,
  proxy: Sidecar,
  serverName: string,
  port: number,
): Promise<void> {
  const argv = [
    'openssl',
    's_client',
    '-connect',
    `${proxy.address}:${port}`,
    '-servername',
    serverName,
    '-alpn',
    'osm',
  ];
  const child = nodeExec(context.demo.id, argv, ['ignore', 'pipe', 'pipe']);
  // The server ends the connection, as no client certificate comes; its own has been sent by then.
  const hello = await new Promise<string>((resolve) => {
    let output = '';
    child.stdout?.on('data', (data: Buffer) => {
      output += data;
    });
    child.once('close', () => resolve(output));
  });
  const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(hello)?.[0];
  claimThat(pem !== undefined, `${proxy.namespace}/${proxy.pod} showed no certificate`);
  const reader = nodeExec(
    context.demo.id,
    ['openssl', 'x509', '-noout', '-ext', 'subjectAltName'],
    ['pipe', 'pipe', 'pipe'],
  );
  reader.stdin?.end(pem);
  const names = await outcome(reader, 'openssl x509');
  const expected = `URI:spiffe://cluster.local/${proxy.serviceAccount}/${proxy.namespace}`;
  claimThat(names.includes(expected), `${proxy.namespace}/${proxy.pod} shows ${names.trim()}, expected ${expected}`);
}

/** A pod that is not part of the mesh asks in plaintext, and gets no answer. */
async function checkOutsider({ demo }: CheckContext): Promise<number> {
  const buyer = JSON.parse(await demo.kubectl(['get', 'deployment', 'bookbuyer', '-n', 'bookbuyer', '-o', 'json']));
  const meta = (name: string) => ({ name, ...(name === OUTSIDE ? {} : { namespace: OUTSIDE }) });
  const spec = { ...buyer.spec.template.spec };
  delete spec.serviceAccountName;
  delete spec.serviceAccount;
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: meta(OUTSIDE) },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: meta('bookbuyer'),
      spec: { ...buyer.spec, template: { ...buyer.spec.template, spec } },
    },
  ];
  await demo.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await demo.kubectl(['rollout', 'status', 'deploy/bookbuyer', '-n', OUTSIDE, '--timeout=60s']);
  const outsider = await openShopper(demo, 'bookbuyer', OUTSIDE);
  try {
    const counters = await until('a pod outside the mesh asks', PATIENCE_MS, async () => {
      const now = await outsider.counters();
      return now.requests >= MIN_OUTSIDE_REQUESTS ? now : undefined;
    });
    claimThat(
      counters.statuses['0'] === counters.requests,
      `a pod outside the mesh got answers: ${JSON.stringify(counters.statuses)}`,
    );
    return counters.requests;
  } finally {
    outsider.close();
    await demo.kubectl(['delete', 'namespace', OUTSIDE, '--wait=false']);
  }
}

/** 3: what is on the wire. Judged last, over the capture of the whole run. */
export const encryption: Claim = {
  number: 3,
  title:
    'on the wire there is only TLS 1.2/1.3 between meshed pods, with service-account identities; plaintext gets no answer',
  async verify(context) {
    const refused = await checkOutsider(context);
    const proxies = await context.proxies.list();
    const services = {
      bookstore: 'bookstore.bookstore',
      bookwarehouse: 'bookwarehouse.bookwarehouse',
      mysql: 'mysql.bookwarehouse',
    };
    let certificates = 0;
    for (const proxy of proxies) {
      const service = (services as Readonly<Record<string, string>>)[proxy.app];
      if (service === undefined) continue;
      await checkCertificate(context, proxy, `${service}.svc.cluster.local`, proxy.app === 'mysql' ? 3306 : APP_PORT);
      certificates += 1;
    }
    claimThat(certificates >= 4, `only ${certificates} sidecars could be asked for their certificate`);
    const wire = await checkCapture(context, context.meshed());
    return `${wire}; ${certificates} certificates name their service account; ${refused} plaintext requests from outside got no answer`;
  },
};
