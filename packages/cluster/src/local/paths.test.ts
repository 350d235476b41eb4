import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterPaths, defaultHome } from './paths.ts';

test('a cluster keeps everything in its directory, images are shared', () => {
  const paths = clusterPaths({ name: 'a', home: '/home/me/.osm-local' });
  assert.equal(paths.kubeconfig, '/home/me/.osm-local/a/kubeconfig');
  assert.equal(paths.apiSocket, '/home/me/.osm-local/a/api.sock');
  assert.equal(paths.images, '/home/me/.osm-local/images');
});

test('sockets move to a short directory when the kernel could not take their path', () => {
  const home = `/home/${'long/'.repeat(30)}x`;
  const { apiSocket, nodeSocket, sockets } = clusterPaths({ name: 'a', home });
  assert.ok(Buffer.byteLength(nodeSocket) <= 107, nodeSocket);
  assert.ok(apiSocket.startsWith(`${sockets}/`));
  assert.notEqual(sockets, clusterPaths({ name: 'b', home }).sockets);
  assert.equal(sockets, clusterPaths({ name: 'a', home }).sockets);
});

test('names are DNS labels', () => {
  for (const name of ['', 'A', 'a/b', '..', '-a', 'a-', 'images', 'a'.repeat(41)]) {
    assert.throws(() => clusterPaths({ name, home: '/h' }), { name: 'InvalidClusterName' }, name);
  }
});

test('OSM_LOCAL_HOME moves the home', () => {
  assert.equal(defaultHome({ OSM_LOCAL_HOME: '/x/y/../z' }), '/x/z');
  assert.match(defaultHome({}), /\/\.osm-local$/);
});
