import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { TYPES } from '@osm/kube';
import type { Container, Pod, PodSpec } from './pod.ts';
import { Bench } from './testing/bench.ts';
import { inNamespace } from './testing/in-namespace.ts';

const encode = (text: string): string => Buffer.from(text).toString('base64');

inNamespace(import.meta.url, () => {
  const bench = new Bench();
  before(async () => {
    await bench.api.create(TYPES.configMaps, {
      metadata: { name: 'settings', namespace: 'test' },
      data: { mode: 'fast', 'app.conf': 'listen=1\n' },
    });
    await bench.api.create(TYPES.secrets, {
      metadata: { name: 'keys', namespace: 'test' },
      data: { password: encode('s3cret') },
    });
    await bench.api.create(TYPES.services, {
      metadata: { name: 'book-store', namespace: 'test' },
      spec: { clusterIP: '198.18.0.77', ports: [{ name: 'http', port: 14001 }] },
    });
    await bench.start();
  });
  after(() => bench.close());

  /** Runs one container to its end and gives what it wrote to its termination message. */
  const report = async (
    name: string,
    text: string,
    container: Partial<Container> = {},
    spec: Partial<PodSpec> = {},
    metadata: Partial<Pod['metadata']> = {},
  ): Promise<string> => {
    const args = [`{ ${text}\n} > /dev/termination-log 2>&1`];
    await bench.pod(
      name,
      { restartPolicy: 'Never', ...spec, containers: [{ name: 'main', image: 'sh', args, ...container }] },
      metadata,
    );
    const pod = await bench.until(name, (p) => p.status?.phase === 'Succeeded' || p.status?.phase === 'Failed');
    return pod.status?.containerStatuses?.[0]?.state?.terminated?.message ?? '';
  };

  test('environment: image, services, envFrom, values with references, fields, resources, keys', async () => {
    const names =
      'FROM_IMAGE GREETING LITERAL POD NS IP HOST LABEL CPU MEM MODE PASSWORD CM_mode ABSENT KUBERNETES_SERVICE_HOST BOOK_STORE_SERVICE_PORT_HTTP BOOK_STORE_PORT LD_LIBRARY_PATH SHELL';
    const text = await report(
      'env',
      `for n in ${names}; do echo "$n=$(printenv $n)"; done`,
      {
        envFrom: [
          { prefix: 'CM_', configMapRef: { name: 'settings' } },
          { secretRef: { name: 'nowhere', optional: true } },
        ],
        env: [
          { name: 'LITERAL', value: '$$(POD) and $(UNSET)' },
          { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
          { name: 'NS', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
          { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'HOST', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
          { name: 'LABEL', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
          { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
          { name: 'MEM', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
          { name: 'MODE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'mode' } } },
          { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'keys', key: 'password' } } },
          { name: 'ABSENT', valueFrom: { secretKeyRef: { name: 'keys', key: 'nothing', optional: true } } },
          { name: 'GREETING', value: 'hello $(POD) in $(MODE) mode' },
          { name: 'LD_LIBRARY_PATH', value: '/opt/lib' },
          { name: 'SHELL', value: '/bin/none' },
        ],
        resources: { limits: { cpu: '1500m', memory: '64Mi' } },
      },
      {},
      { labels: { app: 'demo' } },
    );
    const ip = bench.peek('env')?.status?.podIP;
    assert.equal(
      text,
      `FROM_IMAGE=yes\nGREETING=hello env in fast mode\nLITERAL=$(POD) and $(UNSET)\nPOD=env\nNS=test\nIP=${ip}\nHOST=198.19.0.1\nLABEL=demo\nCPU=1500\nMEM=64\n` +
        'MODE=fast\nPASSWORD=s3cret\nCM_mode=fast\nABSENT=\nKUBERNETES_SERVICE_HOST=198.18.0.1\nBOOK_STORE_SERVICE_PORT_HTTP=14001\nBOOK_STORE_PORT=tcp://198.18.0.77:14001\nLD_LIBRARY_PATH=/opt/lib\nSHELL=/bin/none\n',
    );
  });

  test('a missing ConfigMap, key or Secret shows as CreateContainerConfigError and heals when it comes', async () => {
    await bench.pod('lacks', {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'main',
          image: 'sh',
          args: ['[ "$V" = there ]'],
          env: [{ name: 'V', valueFrom: { configMapKeyRef: { name: 'later', key: 'v' } } }],
        },
      ],
    });
    const pod = await bench.until(
      'lacks',
      (p) => p.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
    );
    assert.equal(pod.status?.containerStatuses?.[0]?.state?.waiting?.message, 'configmap "later" not found');
    await bench.api.create(TYPES.configMaps, { metadata: { name: 'later', namespace: 'test' }, data: { other: 'x' } });
    await bench.until(
      'lacks',
      (p) =>
        p.status?.containerStatuses?.[0]?.state?.waiting?.message === "couldn't find key v in ConfigMap test/later",
    );
    await bench.api.patch(TYPES.configMaps, 'later', 'merge', { data: { v: 'there' } }, { namespace: 'test' });
    await bench.until('lacks', (p) => p.status?.phase === 'Succeeded');
  });

  test('volumes: configMap, secret, projected with token and downward API, emptyDir of both kinds, subPath, fsGroup', async () => {
    const text = await report(
      'volumes',
      `cat /config/sub/app.conf /etc/nested/deep/password; echo; cat /var/run/secrets/kubernetes.io/serviceaccount/token; echo; cat /info/labels; echo
       stat -c '%a %g' /scratch /memory; stat -f -c %T /memory; echo x > /scratch/file && echo writable; (echo x > /config/y) 2>/dev/null || echo read-only
       cat /single; stat -L -c %a /etc/nested/deep/password; readlink /config/sub`,
      {
        volumeMounts: [
          { name: 'config', mountPath: '/config' },
          { name: 'secret', mountPath: '/etc/nested/deep' },
          { name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
          { name: 'info', mountPath: '/info' },
          { name: 'scratch', mountPath: '/scratch' },
          { name: 'memory', mountPath: '/memory' },
          { name: 'config', mountPath: '/single', subPath: 'sub/app.conf' },
        ],
      },
      {
        serviceAccountName: 'bookbuyer',
        securityContext: { fsGroup: 2000, runAsUser: 1000 },
        volumes: [
          { name: 'config', configMap: { name: 'settings', items: [{ key: 'app.conf', path: 'sub/app.conf' }] } },
          { name: 'secret', secret: { secretName: 'keys', defaultMode: 0o400 } },
          { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
          { name: 'info', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
          { name: 'scratch', emptyDir: {} },
          { name: 'memory', emptyDir: { medium: 'Memory' } },
        ],
      },
      { labels: { app: 'x', tier: 'back' } },
    );
    assert.equal(
      text,
      'listen=1\ns3cret\ntoken-of-bookbuyer\napp="x"\ntier="back"\n2777 2000\n2777 2000\ntmpfs\nwritable\nread-only\nlisten=1\n440\n..data/sub\n',
    );
  });

  test('a changed ConfigMap reaches the running container', async () => {
    await bench.api.create(TYPES.configMaps, {
      metadata: { name: 'live', namespace: 'test' },
      data: { v: 'old', gone: 'x' },
    });
    await bench.pod('watches', {
      restartPolicy: 'Never',
      volumes: [{ name: 'live', configMap: { name: 'live' } }],
      containers: [
        {
          name: 'main',
          image: 'sh',
          args: ['until [ "$(cat /live/v)" = new ]; do sleep 0.02; done; ls /live > /dev/termination-log'],
          volumeMounts: [{ name: 'live', mountPath: '/live' }],
        },
      ],
    });
    await bench.until('watches', (p) => p.status?.phase === 'Running');
    await bench.api.patch(TYPES.configMaps, 'live', 'merge', { data: { v: 'new', gone: null } }, { namespace: 'test' });
    const pod = await bench.until('watches', (p) => p.status?.phase === 'Succeeded');
    assert.equal(pod.status?.containerStatuses?.[0]?.state?.terminated?.message, 'v\n');
  });

  test('changed labels reach the running container', async () => {
    await bench.pod(
      'relabelled',
      {
        restartPolicy: 'Never',
        volumes: [
          { name: 'own', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
        ],
        containers: [
          {
            name: 'main',
            image: 'sh',
            args: ['until grep -q new /own/labels; do sleep 0.02; done'],
            volumeMounts: [{ name: 'own', mountPath: '/own' }],
          },
        ],
      },
      { labels: { tier: 'old' } },
    );
    await bench.until('relabelled', (p) => p.status?.phase === 'Running');
    const labels = { metadata: { labels: { tier: 'new' } } };
    await bench.api.patch(TYPES.pods, 'relabelled', 'merge', labels, { namespace: 'test' });
    await bench.until('relabelled', (p) => p.status?.phase === 'Succeeded');
  });

  test('volumes that cannot be are refused by name: a missing ConfigMap, a claim, a writable hostPath', async () => {
    const refused = async (name: string, volume: NonNullable<PodSpec['volumes']>[number]): Promise<string> => {
      await bench.pod(name, {
        volumes: [volume],
        containers: [{ name: 'main', image: 'sh', volumeMounts: [{ name: volume.name, mountPath: '/v' }] }],
      });
      return await bench.api.until(() => {
        const event = bench.api
          .all(TYPES.coreEvents)
          .find((e) => (e.involvedObject as { name: string }).name === name && e.type === 'Warning');
        return event && String(event.message);
      }, `event about ${name}`);
    };
    assert.match(await refused('r1', { name: 'v', configMap: { name: 'none' } }), /configmap "test\/none" not found/);
    assert.match(
      await refused('r2', { name: 'v', persistentVolumeClaim: { claimName: 'data' } }),
      /persistentVolumeClaim volumes are not supported/,
    );
    assert.match(await refused('r3', { name: 'v', hostPath: { path: '/usr' } }), /set readOnly: true/);
    assert.match(
      await refused('r4', { name: 'v', hostPath: { path: `${bench.stateDir}/kubelet` } }),
      /cluster's own state/,
    );
    for (const name of ['r1', 'r2', 'r3', 'r4'])
      await bench.api.delete(TYPES.pods, name, { namespace: 'test', gracePeriodSeconds: 0 });
  });

  test('identity: user, groups, capabilities, no new privileges', async () => {
    const show = 'id -u; id -g; id -G; grep -E "CapBnd|CapEff|NoNewPrivs" /proc/self/status | tr "\\n" " "';
    assert.equal(
      await report(
        'user',
        show,
        { securityContext: { runAsUser: 1500, runAsGroup: 1600, capabilities: { drop: ['ALL'] } } },
        { securityContext: { supplementalGroups: [7], fsGroup: 8 } },
      ),
      '1500\n1600\n1600 7 8\nCapEff:\t0000000000000000 CapBnd:\t0000000000000000 NoNewPrivs:\t1 ',
    );
    assert.match(
      await report('admin', `${show}; ip link set lo down && echo may`, {
        securityContext: { capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] } },
      }),
      /CapEff:\t0000000000001000 CapBnd:\t0000000000001000 .*may/s,
    );
    await bench.pod('nonroot', {
      containers: [{ name: 'main', image: 'sh', securityContext: { runAsNonRoot: true } }],
    });
    const pod = await bench.until(
      'nonroot',
      (p) => p.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError',
    );
    assert.match(pod.status?.containerStatuses?.[0]?.state?.waiting?.message ?? '', /runAsNonRoot/);
    await bench.pod('far', {
      containers: [{ name: 'main', image: 'sh', securityContext: { runAsUser: 4_294_967_294 } }],
    });
    await bench.until('far', (p) =>
      p.status?.containerStatuses?.[0]?.state?.waiting?.message?.includes('does not exist in the cluster'),
    );
    for (const name of ['nonroot', 'far'])
      await bench.api.delete(TYPES.pods, name, { namespace: 'test', gracePeriodSeconds: 0 });
  });

  test('what a container sees of the machine: nothing that is not its own', async () => {
    const text = await report(
      'view',
      `ls ${bench.stateDir} 2>&1 | head -1; ls -A /root /home | tr '\\n' ' '; echo shadow=$(wc -c < /etc/shadow); ls -A /run | tr '\\n' ' '; ls /proc | grep -c '^[0-9]'
       touch /usr/x 2>/dev/null || echo read-only; touch /tmp/x && echo tmp; hostname; cat /etc/hostname; grep -c nameserver /etc/resolv.conf; grep pinned /etc/hosts
       ls -d /work 2>/dev/null || echo no-work`,
      {},
      { hostname: 'given', hostAliases: [{ ip: '10.0.0.9', hostnames: ['pinned', 'also'] }] },
    );
    const lines = text.split('\n');
    assert.match(lines[0] ?? '', /No such file/);
    assert.match(text, /\/home:.*\/root:/s);
    assert.match(text, /shadow=0\n/);
    assert.match(text, /read-only\ntmp\ngiven\ngiven\n1\n10\.0\.0\.9\tpinned\talso\nno-work\n$/);
  });

  test('read-only root, working directory, command and args, terminal', async () => {
    assert.match(
      await report('readonly', 'touch /tmp/x || echo refused; pwd', {
        securityContext: { readOnlyRootFilesystem: true },
        workingDir: '/opt',
      }),
      /refused\n\/opt\n$/,
    );
    const args = ['-c', '[ -t 1 ] && echo "$0 $1" > /dev/termination-log', '$(WHO)', 'b'];
    assert.equal(
      await report('command', '', { command: ['sh'], args, env: [{ name: 'WHO', value: 'a' }], tty: true }),
      'a b\n',
    );
  });

  test('a user other than root may write to /dev/stdout and /dev/shm', async () => {
    assert.equal(
      await report('stdout', 'true', {
        args: ['echo hi > /dev/stdout; echo there > /dev/stderr; touch /dev/shm/x && echo ok > /dev/termination-log'],
        securityContext: { runAsUser: 1500 },
      }),
      'ok\n',
    );
  });

  test('a loaded image has a writable root of its own over the shared one', async () => {
    const text = await report('image', 'cat /hello; echo changed > /hello; cat /hello; echo new > /made; id -un', {
      image: 'rootfs',
    });
    assert.equal(text, 'from image\nchanged\napp\n');
    assert.equal(
      await report('image2', 'cat /hello; ls /made', { image: 'rootfs' }),
      "from image\nls: cannot access '/made': No such file or directory\n",
    );
  });

  test('hollow nodes run pods without processes', async () => {
    await bench.kubelet?.stop();
    await bench.start({ hollow: { nodes: 2 } });
    await bench.api.create(TYPES.pods, {
      metadata: { name: 'fake', namespace: 'test' },
      spec: {
        nodeName: 'hollow-1',
        initContainers: [{ name: 'i', image: 'x' }],
        containers: [{ name: 'c', image: 'y' }],
      },
    });
    const pod = await bench.until('fake', (p) =>
      p.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
    );
    assert.match(pod.status?.podIP ?? '', /^198\.19\.255\./);
    await bench.api.delete(TYPES.pods, 'fake', { namespace: 'test' });
    await bench.api.until(() => !bench.peek('fake'), 'deleted');
    assert.deepEqual(
      bench.api
        .all(TYPES.nodes)
        .map((n) => n.metadata.name)
        .sort(),
      ['hollow-0', 'hollow-1', 'node'],
    );
  });
});
