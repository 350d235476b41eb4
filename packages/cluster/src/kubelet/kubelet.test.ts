import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TYPES } from '@osm/kube';
import { Bench } from './testing/bench.ts';
import { inNamespace } from './testing/in-namespace.ts';

inNamespace(import.meta.url, () => {
  const bench = new Bench();
  before(() => bench.start());
  after(() => bench.close());

  const message = (name: string, container = 0) =>
    bench.peek(name)?.status?.containerStatuses?.[container]?.state?.terminated?.message;

  test('a pod runs to its end and reports phase, exit code, address and message', async () => {
    await bench.pod('once', {
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: 'sh', args: ['id -u; echo done > /dev/termination-log'] }],
    });
    const pod = await bench.until('once', (p) => p.status?.phase === 'Succeeded');
    assert.equal(pod.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 0);
    assert.equal(pod.status?.containerStatuses?.[0]?.state?.terminated?.reason, 'Completed');
    assert.equal(message('once'), 'done\n');
    assert.match(pod.status?.podIP ?? '', /^198\.19\.0\.\d+$/);
    assert.equal(pod.status?.conditions?.find((c) => c.type === 'Ready')?.reason, 'PodCompleted');
  });

  test('a failing container is restarted with back-off and shows CrashLoopBackOff', async () => {
    await bench.pod('crash', { containers: [{ name: 'main', image: 'sh', args: ['exit 3'] }] });
    const pod = await bench.until(
      'crash',
      (p) =>
        (p.status?.containerStatuses?.[0]?.restartCount ?? 0) >= 2 && p.status?.containerStatuses?.[0]?.state?.waiting,
    );
    assert.equal(pod.status?.containerStatuses?.[0]?.state?.waiting?.reason, 'CrashLoopBackOff');
    assert.equal(pod.status?.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 3);
    await bench.api.delete(TYPES.pods, 'crash', { namespace: 'test' });
    await bench.api.until(() => !bench.peek('crash'), 'deleted');
  });

  test('deletion sends SIGTERM to the application, releases the network and removes the object', async () => {
    await bench.pod('ends', {
      containers: [{ name: 'main', image: 'sh', args: ['trap "exit 0" TERM; echo up; while :; do sleep 0.05; done'] }],
    });
    const pod = await bench.until('ends', (p) =>
      p.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
    );
    assert.equal(pod.status?.phase, 'Running');
    const uid = pod.metadata.uid;
    await bench.api.delete(TYPES.pods, 'ends', { namespace: 'test' });
    await bench.api.until(() => !bench.peek('ends'), 'deleted');
    assert.ok(uid);
  });

  test('an unknown image says how to add it; an unknown command is a StartError', async () => {
    await bench.pod('noimage', { containers: [{ name: 'main', image: 'nginx:1' }] });
    const pod = await bench.until(
      'noimage',
      (p) => p.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ErrImagePull',
    );
    assert.match(pod.status?.containerStatuses?.[0]?.state?.waiting?.message ?? '', /osm local image add/);
    await bench.pod('nocommand', {
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: 'sh', command: ['/no/such/program'] }],
    });
    const failed = await bench.until('nocommand', (p) => p.status?.phase === 'Failed');
    assert.equal(failed.status?.containerStatuses?.[0]?.state?.terminated?.reason, 'StartError');
    assert.match(message('nocommand') ?? '', /no\/such\/program/);
  });
});
