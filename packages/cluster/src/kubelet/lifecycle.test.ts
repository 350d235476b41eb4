import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TYPES } from '@osm/kube';
import type { Container, Pod } from './pod.ts';
import { Bench } from './testing/bench.ts';
import { inNamespace } from './testing/in-namespace.ts';

const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true;

inNamespace(import.meta.url, () => {
  const bench = new Bench();
  before(() => bench.start());
  after(() => bench.close());

  const shared = { volumes: [{ name: 'shared', emptyDir: {} }] };
  const script = (name: string, text: string, more: Partial<Container> = {}): Container => ({
    name,
    image: 'sh',
    args: [text],
    volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
    ...more,
  });
  const remove = async (name: string): Promise<void> => {
    await bench.api.delete(TYPES.pods, name, { namespace: 'test' });
    await bench.api.until(() => !bench.peek(name), `${name} deleted`);
  };
  const messageOf = (pod: Pod | undefined, name: string): string | undefined =>
    [...(pod?.status?.containerStatuses ?? []), ...(pod?.status?.initContainerStatuses ?? [])].find(
      (s) => s.name === name,
    )?.state?.terminated?.message;

  test('init containers run in order before the application; a failing one is tried again', async () => {
    await bench.pod('ordered', {
      ...shared,
      restartPolicy: 'OnFailure',
      initContainers: [
        script('first', 'echo first >> /shared/order; [ -e /shared/again ] || { touch /shared/again; exit 1; }'),
        script('second', 'echo second >> /shared/order'),
      ],
      containers: [script('main', 'cat /shared/order > /dev/termination-log')],
    });
    const pod = await bench.until('ordered', (p) => p.status?.phase === 'Succeeded');
    assert.equal(messageOf(pod, 'main'), 'first\nfirst\nsecond\n');
    assert.equal(pod.status?.initContainerStatuses?.[0]?.restartCount, 1);
    assert.equal(pod.status?.conditions?.find((c) => c.type === 'Initialized')?.status, 'True');
  });

  test('a failing init container fails a pod that never restarts', async () => {
    await bench.pod('initfails', {
      restartPolicy: 'Never',
      initContainers: [{ name: 'init', image: 'sh', args: ['exit 2'] }],
      containers: [{ name: 'main', image: 'sh' }],
    });
    const pod = await bench.until('initfails', (p) => p.status?.phase === 'Failed');
    assert.equal(pod.status?.containerStatuses?.[0]?.state?.waiting?.reason, 'PodInitializing');
  });

  test('a sidecar starts before the application, gates it by its startup probe, ends after it and lets the pod succeed', async () => {
    const trap = (name: string) =>
      `trap 'echo ${name} ends >> /shared/order; exit 0' TERM; echo ${name} up >> /shared/order; sleep 0.1; touch /tmp/started; while :; do sleep 0.02; done`;
    await bench.pod('job', {
      ...shared,
      restartPolicy: 'Never',
      initContainers: [
        script('proxy', trap('proxy'), {
          restartPolicy: 'Always',
          startupProbe: { exec: { command: ['test', '-e', '/tmp/started'] }, periodSeconds: 1 },
        }),
        script('logger', trap('logger'), {
          restartPolicy: 'Always',
          startupProbe: { exec: { command: ['test', '-e', '/tmp/started'] }, periodSeconds: 1 },
        }),
        script('setup', 'echo setup >> /shared/order'),
      ],
      containers: [script('main', 'echo main >> /shared/order; cat /shared/order > /dev/termination-log')],
    });
    const pod = await bench.until('job', (p) => p.status?.phase === 'Succeeded');
    assert.equal(pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 0);
    assert.equal(messageOf(pod, 'main'), 'proxy up\nlogger up\nsetup\nmain\n');
    // Everything is given back once the last process has gone; the status may be there before.
    await bench.released(pod);
    assert.deepEqual(
      pod.status?.initContainerStatuses?.map((s) => s.state?.terminated?.exitCode),
      [0, 0, 0],
    );
  });

  test('sidecars are told to end in reverse order once the application has gone', async () => {
    const note = (name: string) => `trap 'echo ${name} >> /shared/order; exit 0' TERM; while :; do sleep 0.02; done`;
    await bench.pod('reverse', {
      ...shared,
      initContainers: [
        script(
          'a',
          `trap 'echo a >> /shared/order; cat /shared/order > /dev/termination-log; exit 0' TERM; while :; do sleep 0.02; done`,
          { restartPolicy: 'Always' },
        ),
        script('b', note('b'), { restartPolicy: 'Always' }),
      ],
      containers: [script('main', note('main'))],
    });
    await bench.until('reverse', isReady);
    const finals: string[] = [];
    const watch = bench.api.until(() => {
      const message = messageOf(bench.peek('reverse'), 'a');
      if (message) finals.push(message);
      return message;
    }, 'the last message of sidecar a');
    await bench.api.delete(TYPES.pods, 'reverse', { namespace: 'test' });
    assert.equal(await watch, 'main\nb\na\n');
    await bench.api.until(() => !bench.peek('reverse'), 'deleted');
  });

  test('a sidecar that crashes is restarted while the application runs on', async () => {
    await bench.pod('flaky', {
      initContainers: [{ name: 'proxy', image: 'sh', args: ['sleep 0.05; exit 1'], restartPolicy: 'Always' }],
      containers: [{ name: 'main', image: 'sh' }],
    });
    const pod = await bench.until(
      'flaky',
      (p) =>
        (p.status?.initContainerStatuses?.[0]?.restartCount ?? 0) >= 2 &&
        p.status?.containerStatuses?.[0]?.state?.running,
    );
    assert.equal(pod.status?.containerStatuses?.[0]?.restartCount, 0);
    await remove('flaky');
  });

  test('preStop runs before SIGTERM and counts in the grace period; what ignores SIGTERM is killed', async () => {
    await bench.pod('stubborn', {
      ...shared,
      terminationGracePeriodSeconds: 1,
      containers: [
        script(
          'main',
          `trap 'echo term >> /shared/order; cat /shared/order > /dev/termination-log' TERM; while :; do sleep 0.02; done`,
          {
            lifecycle: { preStop: { exec: { command: ['sh', '-c', 'echo prestop >> /shared/order'] } } },
          },
        ),
      ],
    });
    await bench.until('stubborn', isReady);
    await bench.api.delete(TYPES.pods, 'stubborn', { namespace: 'test' });
    const end = await bench.api.until(() => {
      const pod = bench.peek('stubborn');
      return pod?.status?.containerStatuses?.[0]?.state?.terminated;
    }, 'terminated');
    assert.equal(end.exitCode, 137);
    assert.equal(end.message, 'prestop\nterm\n');
    await bench.api.until(() => !bench.peek('stubborn'), 'deleted');
  });

  test('postStart holds the next container back and its failure kills the container', async () => {
    await bench.pod('hooked', {
      ...shared,
      containers: [
        script('first', 'sleep 3600', {
          lifecycle: { postStart: { exec: { command: ['sh', '-c', 'sleep 0.2; echo hook >> /shared/order'] } } },
        }),
        script('second', 'cat /shared/order > /tmp/seen; grep -q hook /tmp/seen && sleep 3600'),
      ],
    });
    const pod = await bench.until('hooked', isReady);
    assert.equal(pod.status?.containerStatuses?.[1]?.restartCount, 0);
    await remove('hooked');
    await bench.pod('badhook', {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image: 'sh', lifecycle: { postStart: { exec: { command: ['false'] } } } }],
    });
    await bench.until('badhook', (p) => p.status?.phase === 'Failed');
    await bench.api.until(
      () => bench.api.all(TYPES.coreEvents).some((e) => e.reason === 'FailedPostStartHook'),
      'event',
    );
  });

  test('probes of every kind make a pod ready and unready', async () => {
    const program = `
      const http = require('node:http'), http2 = require('node:http2'), fs = require('node:fs');
      http.createServer((q, r) => { r.statusCode = fs.existsSync('/tmp/bad') || q.headers['x-probe'] !== 'yes' ? 503 : 204; r.end(); }).listen(8080);
      const g = http2.createServer(); g.on('stream', (s, h) => {
        s.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        s.on('wantTrailers', () => s.sendTrailers({ 'grpc-status': '0' }));
        s.end(Buffer.from([0, 0, 0, 0, 2, 8, 1])); }); g.listen(9090);`;
    const probe = { periodSeconds: 1, failureThreshold: 1 };
    const base = { image: 'node', args: [program] };
    await bench.pod('probed', {
      containers: [
        {
          ...base,
          name: 'http',
          ports: [{ name: 'web', containerPort: 8080 }],
          readinessProbe: {
            ...probe,
            httpGet: { port: 'web', path: '/healthz', httpHeaders: [{ name: 'X-Probe', value: 'yes' }] },
          },
          livenessProbe: { grpc: { port: 9090 }, initialDelaySeconds: 1, periodSeconds: 1 },
        },
        {
          name: 'tcp',
          image: 'sh',
          readinessProbe: { ...probe, tcpSocket: { port: 8080 } },
          startupProbe: { grpc: { port: 9090, service: 'any' }, periodSeconds: 1 },
        },
      ],
    });
    await bench.until('probed', isReady);
    const worker = await bench.exec('probed', 'http', ['touch', '/tmp/bad']);
    assert.equal(worker.exitCode, 0);
    const unready = await bench.until('probed', (p) => !isReady(p));
    assert.equal(unready.status?.phase, 'Running');
    assert.deepEqual(
      unready.status?.containerStatuses?.map((s) => s.ready),
      [false, true],
    );
    await bench.exec('probed', 'http', ['rm', '/tmp/bad']);
    await bench.until('probed', isReady);
    await remove('probed');
  });

  test('a failing liveness probe restarts the container', async () => {
    await bench.pod('unlively', {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'main',
          image: 'sh',
          livenessProbe: {
            exec: { command: ['false'] },
            periodSeconds: 1,
            failureThreshold: 1,
            terminationGracePeriodSeconds: 1,
          },
        },
      ],
    });
    const pod = await bench.until('unlively', (p) => (p.status?.containerStatuses?.[0]?.restartCount ?? 0) >= 1);
    assert.ok(pod.status?.containerStatuses?.[0]?.lastState?.terminated);
    await bench.api.until(
      () =>
        bench.api.all(TYPES.coreEvents).some((e) => e.reason === 'Unhealthy') &&
        bench.api.all(TYPES.coreEvents).some((e) => e.reason === 'Killing'),
      'events',
    );
    await remove('unlively');
  });

  test('logs of the run before, BackOff events, and a warning for what is not supported', async () => {
    await bench.pod('again', {
      containers: [
        { name: 'main', image: 'sh', args: ['echo run; exit 1'], ports: [{ containerPort: 80, hostPort: 80 }] },
      ],
    });
    await bench.until('again', (p) => (p.status?.containerStatuses?.[0]?.restartCount ?? 0) >= 2);
    const events = (reason: string) => bench.api.all(TYPES.coreEvents).find((e) => e.reason === reason);
    await bench.api.until(() => events('BackOff'), 'BackOff');
    assert.match(
      String((await bench.api.until(() => events('Unsupported'), 'Unsupported')).message),
      /hostPort 80 of container main/,
    );
    await remove('again');
  });

  test('a pod that outlives activeDeadlineSeconds fails', async () => {
    await bench.pod('late', {
      activeDeadlineSeconds: 1,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image: 'sh' }],
    });
    const pod = await bench.until('late', (p) => p.status?.phase === 'Failed');
    assert.equal(pod.status?.reason, 'DeadlineExceeded');
    await remove('late');
  });

  test('a pod taken out of the API by force is killed and cleaned', async () => {
    const pod = await bench.pod('forced', {
      terminationGracePeriodSeconds: 3600,
      containers: [{ name: 'main', image: 'sh', args: ['trap "" TERM; sleep 3600'] }],
    });
    await bench.until('forced', isReady);
    const before = bench.networks.size;
    await bench.api.delete(TYPES.pods, 'forced', { namespace: 'test', gracePeriodSeconds: 0 });
    await bench.cleaned(pod);
    assert.equal(bench.networks.size, before - 1);
  });

  test('containers of a pod with shareProcessNamespace see each other', async () => {
    await bench.pod('shared-pids', {
      shareProcessNamespace: true,
      containers: [
        { name: 'target', image: 'sh', args: ['exec sleep 4242'] },
        {
          name: 'looker',
          image: 'sh',
          args: ['until grep -qs 4242 /proc/[0-9]*/cmdline; do sleep 0.02; done; sleep 3600'],
          readinessProbe: {
            exec: { command: ['sh', '-c', 'grep -qs sleep.4242 /proc/[0-9]*/cmdline'] },
            periodSeconds: 1,
          },
        },
      ],
    });
    await bench.until('shared-pids', isReady);
    await remove('shared-pids');
  });

  test('after a restart of the kubelet pods go on in place, counted as restarted', async () => {
    await bench.pod('survivor', {
      ...shared,
      initContainers: [script('init', 'echo x >> /shared/inits')],
      containers: [script('main', 'sleep 3600')],
    });
    await bench.pod('finished', {
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: 'sh', args: ['exit 0'] }],
    });
    await bench.until('survivor', isReady);
    await bench.until('finished', (p) => p.status?.phase === 'Succeeded');
    const uid = bench.peek('survivor')?.metadata.uid;
    await bench.kubelet?.stop();
    await bench.start();
    const pod = await bench.until(
      'survivor',
      (p) => isReady(p) && p.status?.containerStatuses?.[0]?.restartCount === 1,
    );
    assert.equal(pod.metadata.uid, uid);
    assert.equal(pod.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 137);
    assert.equal(pod.status?.initContainerStatuses?.[0]?.restartCount, 1);
    assert.equal(bench.peek('finished')?.status?.containerStatuses?.[0]?.restartCount, 0);
    await remove('survivor');
  });
});
