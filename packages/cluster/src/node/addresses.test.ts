import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressPool } from './address-pool.ts';
import { macOf } from './addresses.ts';
import { resolvConf } from './resolv-conf.ts';

test('addresses are given once, again only after release, and as late as possible', () => {
  const pool = new AddressPool();
  const all = Array.from({ length: 65533 }, () => pool.take());
  assert.equal(all[0], '198.19.0.2');
  assert.equal(all.at(-1), '198.19.255.254');
  assert.equal(new Set(all).size, all.length);
  assert.throws(() => pool.take(), { name: 'AddressesExhausted' });
  pool.release('198.19.7.9');
  assert.equal(pool.take(), '198.19.7.9');
});

test('every address has its MAC address', () => {
  assert.equal(macOf('198.19.0.255'), '0a:58:c6:13:00:ff');
});

test('resolv.conf follows the pod’s DNS policy and configuration', () => {
  assert.equal(
    resolvConf('shop', 'ClusterFirst', undefined),
    'search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 198.18.0.10\noptions ndots:5\n',
  );
  assert.equal(resolvConf('shop', 'Default', undefined), 'nameserver 198.18.0.10\n');
  assert.equal(
    resolvConf('shop', 'None', {
      nameservers: ['198.19.0.9'],
      searches: ['x.y'],
      options: [{ name: 'ndots', value: '2' }, { name: 'rotate' }],
    }),
    'search x.y\nnameserver 198.19.0.9\noptions ndots:2 rotate\n',
  );
  assert.match(
    resolvConf('shop', 'ClusterFirst', { searches: ['x.y'], options: [{ name: 'ndots', value: '1' }] }),
    /cluster\.local x\.y\nnameserver 198\.18\.0\.10\noptions ndots:1\n/,
  );
});
