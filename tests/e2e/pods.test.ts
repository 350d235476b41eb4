import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TestCluster, until } from './testing/cluster.ts';
import { configMap, STAY, webImage } from './testing/manifests.ts';

/** Pods are processes: what Kubernetes promises a container, seen from inside it. */
const cluster = new TestCluster();
before(async () => {
  await cluster.up('--hollow', '1');
  await cluster.osm(webImage('web:1'));
});
after(() => cluster.end());

const inside = (pod: string, ...command: readonly string[]) => cluster.ok('exec', pod, '--', ...command);
/** A pod; `spec` is YAML of its fields, indented by two. */
const pod = (name: string, spec: string, metadata = ''): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}${metadata}}
spec:
  terminationGracePeriodSeconds: 2
${spec}
---
`;
const script = (text: string): string => `image: sh, args: [${JSON.stringify(text)}]`;

test('init containers, a sidecar and several containers start and end in their order', async () => {
  const say = (line: string) => `echo ${line} >> /shared/order`;
  const mounts = 'volumeMounts: [{name: shared, mountPath: /shared}]';
  await cluster.apply(
    pod(
      'ordered',
      `  restartPolicy: Never
  volumes: [{name: shared, emptyDir: {}}]
  initContainers:
  - {name: first, ${script(say('first'))}, ${mounts}}
  - name: sidecar
    ${script(`${say('sidecar')}; trap "exit 0" TERM; touch /tmp/up; while :; do sleep 0.1; done`).replace(', args', '\n    args')}
    ${mounts}
    restartPolicy: Always
    startupProbe: {exec: {command: [test, -e, /tmp/up]}, periodSeconds: 1}
  - {name: last, ${script(say('last'))}, ${mounts}}
  containers:
  - {name: one, ${script(`until [ -e /shared/two ]; do sleep 0.05; done; ${say('one')}; cat /shared/order`)}, ${mounts}}
  - {name: two, ${script(`${say('two')}; touch /shared/two`)}, ${mounts}}`,
    ),
  );
  await cluster.becomes('{.status.phase}', 'Succeeded', 'pod/ordered');
  assert.equal(await cluster.ok('logs', 'ordered', '-c', 'one'), 'first\nsidecar\nlast\ntwo\none\n');
  const path = '{.status.initContainerStatuses[1].state.terminated.exitCode}';
  assert.equal(await cluster.jsonpath(path, 'pod', 'ordered'), '0');
});

test('environment from fields, ConfigMaps, Secrets, resources', async () => {
  await cluster.apply(configMap('settings', '{colour: green, size: big}'));
  await cluster.ok('create', 'secret', 'generic', 'secrets', '--from-literal=word=open sesame');
  await cluster.apply(
    pod(
      'env',
      `  restartPolicy: Never
  containers:
  - name: main
    ${script('env | sort').replace(', args', '\n    args')}
    resources: {limits: {memory: 64Mi}, requests: {cpu: 250m}}
    envFrom: [{configMapRef: {name: settings}, prefix: SET_}]
    env:
    - {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: LABEL, valueFrom: {fieldRef: {fieldPath: "metadata.labels['tier']"}}}
    - {name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}
    - {name: WORD, valueFrom: {secretKeyRef: {name: secrets, key: word}}}
    - {name: MEMORY, valueFrom: {resourceFieldRef: {resource: limits.memory}}}
    - {name: CPU, valueFrom: {resourceFieldRef: {resource: requests.cpu, divisor: 1m}}}
    - {name: BOTH, value: $(POD) and $(WORD)}`,
      ', labels: {tier: front}',
    ),
  );
  await cluster.becomes('{.status.phase}', 'Succeeded', 'pod/env');
  const env = await cluster.ok('logs', 'env');
  for (const line of [
    'POD=env',
    'LABEL=front',
    'COLOUR=green',
    'SET_size=big',
    'WORD=open sesame',
    'MEMORY=67108864',
  ]) {
    assert.ok(env.includes(`\n${line}\n`), line);
  }
  for (const line of ['BOTH=env and open sesame', 'CPU=250']) assert.ok(env.includes(`${line}\n`), line);
  assert.match(env, /\nPOD_IP=198\.19\.\d+\.\d+\n/);
  assert.match(env, /\nKUBERNETES_SERVICE_HOST=198\.18\.0\.1\n/);
});

test('volumes of every source; ConfigMap, Secret and labels are renewed in the running container', async () => {
  await cluster.apply(configMap('live', '{word: old}'));
  await cluster.apply(
    pod(
      'volumes',
      `  securityContext: {runAsUser: 1234, runAsGroup: 1235, fsGroup: 4321}
  volumes:
  - {name: map, configMap: {name: live}}
  - {name: scratch, emptyDir: {}}
  - name: all
    projected:
      sources:
      - {secret: {name: secrets, items: [{key: word, path: hidden/word, mode: 288}]}}
      - {downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}
      - {serviceAccountToken: {path: token, expirationSeconds: 600}}
  containers:
  - name: main
    ${script(STAY).replace(', args', '\n    args')}
    securityContext: {capabilities: {drop: [ALL], add: [NET_BIND_SERVICE]}, readOnlyRootFilesystem: true}
    volumeMounts:
    - {name: map, mountPath: /map}
    - {name: scratch, mountPath: /scratch}
    - {name: all, mountPath: /all, readOnly: true}`,
      ', labels: {tier: front}',
    ),
  );
  await cluster.ready('pod/volumes');
  const look =
    'id -u; id -g; id -G; cat /map/word; echo; cat /all/hidden/word; echo; touch /scratch/x && stat -c %g /scratch/x';
  assert.match(await inside('volumes', 'sh', '-c', look), /^1234\n1235\n(?=.*\b4321\b).*\nold\nopen sesame\n4321\n$/);
  assert.match(await inside('volumes', 'grep', 'CapBnd', '/proc/self/status'), /0000000000000400/);
  assert.equal((await inside('volumes', 'cat', '/all/token')).split('.').length, 3);
  assert.match(await cluster.fails('exec', 'volumes', '--', 'touch', '/all/x'), /Read-only file system/);
  assert.match(await cluster.fails('exec', 'volumes', '--', 'touch', '/x'), /Read-only file system/);
  await cluster.apply(configMap('live', '{word: new}'));
  await cluster.ok('label', 'pod', 'volumes', 'tier=back', '--overwrite');
  const becomes = (file: string, text: string) =>
    until(`${file} holds ${text}`, async () => (await inside('volumes', 'cat', file)).includes(text));
  await becomes('/map/word', 'new');
  await becomes('/all/labels', 'tier="back"');
});

const GRPC = `
const http2 = require("node:http2"), fs = require("node:fs");
http2.createServer().on("stream", (s) => {
  const healthy = !fs.existsSync("/tmp/sick");
  s.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  s.on("wantTrailers", () => s.sendTrailers({ "grpc-status": "0" }));
  s.end(Buffer.from([0, 0, 0, 0, 2, 8, healthy ? 1 : 2]));
}).listen(9000);`;

test('probes by http, tcp, exec and grpc make a pod ready and unready; a failing liveness probe restarts', async () => {
  await cluster.osm(webImage('health:1', GRPC));
  const web = 'ports: [{containerPort: 8080}]';
  await cluster.apply(
    pod(
      'http',
      `  containers: [{name: main, image: "web:1", ${web}, readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}}]`,
    ) +
      pod(
        'tcp',
        `  containers: [{name: main, image: "web:1", ${web}, readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}}]`,
      ) +
      pod(
        'closed',
        `  containers: [{name: main, image: "web:1", readinessProbe: {tcpSocket: {port: 81}, periodSeconds: 1}}]`,
      ) +
      pod(
        'grpc',
        '  containers: [{name: main, image: "health:1", readinessProbe: {grpc: {port: 9000}, periodSeconds: 1, failureThreshold: 1}}]',
      ) +
      pod(
        'live',
        `  containers: [{name: main, ${script(`echo started; touch /tmp/well; ${STAY}`)}, livenessProbe: {exec: {command: [test, -e, /tmp/well]}, periodSeconds: 1, failureThreshold: 1}}]`,
      ),
  );
  await cluster.ready('pod/http', 'pod/tcp', 'pod/grpc', 'pod/live');
  await inside('grpc', 'touch', '/tmp/sick');
  await cluster.ok('wait', '--for=condition=Ready=false', 'pod/grpc', '--timeout=20s');
  const message = '{.status.conditions[?(@.type=="Ready")].reason}';
  assert.equal(await cluster.jsonpath(message, 'pod', 'closed'), 'ContainersNotReady');
  await inside('live', 'rm', '/tmp/well');
  await cluster.becomes('{.status.containerStatuses[0].restartCount}', '1', 'pod/live');
  assert.match(await cluster.ok('describe', 'pod', 'live'), /Warning\s+Unhealthy.*Liveness probe failed/);
  assert.match(await cluster.ok('logs', 'live', '--previous'), /^started\n/);
});

test('a crashing container is restarted with back-off; an unknown image says how to add it, and heals', async () => {
  await cluster.apply(
    pod('crashes', `  containers: [{name: main, ${script('exit 3')}}]`) +
      pod('unknown', '  containers: [{name: main, image: "shop/web:7"}]'),
  );
  const waiting = '{.status.containerStatuses[0].state.waiting.reason}';
  await cluster.becomes(waiting, 'CrashLoopBackOff', 'pod/crashes');
  assert.equal(
    await cluster.jsonpath('{.status.containerStatuses[0].lastState.terminated.exitCode}', 'pod', 'crashes'),
    '3',
  );
  assert.match(await cluster.ok('describe', 'pod', 'crashes'), /Warning\s+BackOff/);
  const missing = await cluster.ok('describe', 'pod', 'unknown');
  assert.match(missing, /osm local image add shop\/web:7 -- COMMAND/);
  assert.match(await cluster.jsonpath(waiting, 'pod', 'unknown'), /ErrImagePull|ImagePullBackOff/);
  await cluster.osm(['local', 'image', 'add', 'shop/web:7', '--', 'sleep', 'infinity']);
  await cluster.ready('pod/unknown');
});

test('preStop comes before SIGTERM and both before the grace period ends', async () => {
  await cluster.apply(
    pod(
      'polite',
      `  containers:
  - name: main
    ${script('trap "cat /tmp/said; echo term; exit 0" TERM; echo up; while :; do sleep 0.05; done').replace(', args', '\n    args')}
    lifecycle: {preStop: {exec: {command: [sh, -c, "sleep 0.2; echo pre-stop > /tmp/said"]}}}`,
    ) + pod('stubborn', `  containers: [{name: main, ${script('trap "" TERM; while :; do sleep 0.05; done')}}]`),
  );
  await cluster.ready('pod/polite', 'pod/stubborn');
  const logs = cluster.startKubectl('logs', '-f', 'polite');
  await logs.says(/up/);
  const began = performance.now();
  await cluster.ok('delete', 'pod', 'stubborn', '--grace-period=1');
  assert.ok(performance.now() - began >= 1000, 'killed at the end of its grace period, not before');
  await cluster.ok('delete', 'pod', 'polite');
  assert.match((await logs.ended).stdout, /^up\npre-stop\nterm\n$/);
});
