import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebhookFailure } from './denied.ts';
import { endpointOf, indicatedName } from './endpoint.ts';

const nowhere = () => {
  throw new Error('service "hook" in namespace "mesh" not found');
};

test('a service is dialled where it is, and must prove its DNS name', () => {
  const address = { kind: 'service', namespace: 'mesh', name: 'hook', path: '/inject', port: 8443 } as const;
  const resolve = (namespace: string, name: string, port: number) => {
    assert.deepEqual([namespace, name, port], ['mesh', 'hook', 8443]);
    return { host: '198.18.0.7', port: 9443 };
  };
  assert.deepEqual(endpointOf(address, resolve), {
    host: '198.18.0.7',
    port: 9443,
    serverName: 'hook.mesh.svc',
    path: '/inject',
    url: 'https://hook.mesh.svc:8443/inject',
  });
  assert.throws(() => endpointOf(address, nowhere), /not found/);
});

test('a URL is dialled as it is written', () => {
  assert.deepEqual(endpointOf({ kind: 'url', url: 'https://hooks.example.com/a?b=c' }, nowhere), {
    host: 'hooks.example.com',
    port: 443,
    serverName: 'hooks.example.com',
    path: '/a?b=c',
    url: 'https://hooks.example.com/a?b=c',
  });
  assert.equal(endpointOf({ kind: 'url', url: 'https://[2001:db8::1]:8443' }, nowhere).host, '2001:db8::1');
});

for (const [url, message] of [
  ['', /not a URL/],
  ['http://hooks.example.com/', /not an https URL/],
  ['https://user:secret@hooks.example.com/', /credentials/],
  ['https://localhost/', /loopback/],
  ['https://LOCALHOST:443/', /loopback/],
  ['https://a.localhost/', /loopback/],
  ['https://localhost./', /loopback/],
  ['https://127.0.0.1:6443/', /loopback/],
  ['https://127.1/', /loopback/],
  ['https://2130706433/', /loopback/],
  ['https://0x7f.1/', /loopback/],
  ['https://0.0.0.0/', /loopback/],
  ['https://[::1]/', /loopback/],
  ['https://[::]/', /loopback/],
  ['https://[::ffff:127.0.0.1]/', /loopback/],
  ['https://[::ffff:0.0.0.0]/', /loopback/],
] as const)
  test(`the URL "${url}" is refused`, () => {
    assert.throws(
      () => endpointOf({ kind: 'url', url }, nowhere),
      (error) => error instanceof WebhookFailure && message.test(error.message),
    );
  });

test('addresses are not indicated as server names', () => {
  assert.deepEqual(
    [indicatedName('hook.mesh.svc'), indicatedName('192.0.2.1'), indicatedName('::1')],
    ['hook.mesh.svc', '', ''],
  );
});
