import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RedirectionSettings, redirectionRules } from './redirection.ts';

const NONE: RedirectionSettings = {
  inboundPortExclusions: [],
  outboundPortExclusions: [],
  outboundIPRangeExclusions: [],
  outboundIPRangeInclusions: [],
  networkInterfaceExclusions: [],
  infrastructure: [],
  probePorts: [],
  localProxyMode: 'Localhost',
};

const chain = (document: string, name: string): string[] =>
  document.split('\n').filter((line) => line.startsWith(`-A ${name} `));

test('without exclusions every connection goes through the proxy, except the fixed ones', () => {
  assert.equal(
    redirectionRules(NONE),
    `*nat
:OSM_PROXY_INBOUND - [0:0]
:OSM_PROXY_IN_REDIRECT - [0:0]
:OSM_PROXY_OUTBOUND - [0:0]
:OSM_PROXY_OUT_REDIRECT - [0:0]
-A OSM_PROXY_IN_REDIRECT -p tcp -j REDIRECT --to-port 15003
-A PREROUTING -p tcp -j OSM_PROXY_INBOUND
-A OSM_PROXY_INBOUND -p tcp -m multiport --dports 15010,15901,15902,15903,15904,15905 -j RETURN
-A OSM_PROXY_INBOUND -p tcp -j OSM_PROXY_IN_REDIRECT
-A OSM_PROXY_OUT_REDIRECT -p tcp -j REDIRECT --to-port 15001
-A OUTPUT -p tcp -j OSM_PROXY_OUTBOUND
-A OSM_PROXY_OUTBOUND -o lo ! -d 127.0.0.1/32 -m owner --uid-owner 1500 -j OSM_PROXY_IN_REDIRECT
-A OSM_PROXY_OUTBOUND -o lo -m owner ! --uid-owner 1500 -j RETURN
-A OSM_PROXY_OUTBOUND -m owner --uid-owner 1500 -j RETURN
-A OSM_PROXY_OUTBOUND -d 127.0.0.1/32 -j RETURN
-A OSM_PROXY_OUTBOUND -j OSM_PROXY_OUT_REDIRECT
COMMIT
`,
  );
});

test('exclusions come before inclusions, and interfaces before both', () => {
  const document = redirectionRules({
    ...NONE,
    outboundIPRangeExclusions: ['10.1.0.0/16', 'fd00::/8'],
    outboundIPRangeInclusions: ['10.0.0.0/8'],
    outboundPortExclusions: [6379],
    networkInterfaceExclusions: ['eth1'],
    infrastructure: [{ cidr: '169.254.169.254/32' }, { cidr: '192.0.2.7/32', port: 6443 }],
  });
  assert.deepEqual(chain(document, 'OSM_PROXY_OUTBOUND').slice(4), [
    '-A OSM_PROXY_OUTBOUND -o eth1 -j RETURN',
    '-A OSM_PROXY_OUTBOUND -d 169.254.169.254/32 -j RETURN',
    '-A OSM_PROXY_OUTBOUND -d 192.0.2.7/32 -p tcp --dport 6443 -j RETURN',
    '-A OSM_PROXY_OUTBOUND -d 10.1.0.0/16 -j RETURN',
    '-A OSM_PROXY_OUTBOUND -p tcp -m multiport --dports 6379 -j RETURN',
    '-A OSM_PROXY_OUTBOUND -d 10.0.0.0/8 -j OSM_PROXY_OUT_REDIRECT',
    '-A OSM_PROXY_OUTBOUND -j RETURN',
  ]);
  assert.equal(chain(document, 'OSM_PROXY_INBOUND')[0], '-A OSM_PROXY_INBOUND -i eth1 -j RETURN');
});

test('no multiport rule holds more than fifteen ports, and none is lost', () => {
  const ports = Array.from({ length: 40 }, (_, i) => 20000 + i);
  const document = redirectionRules({
    ...NONE,
    inboundPortExclusions: ports,
    outboundPortExclusions: [...ports, 20000],
  });
  for (const name of ['OSM_PROXY_INBOUND', 'OSM_PROXY_OUTBOUND']) {
    const lists = chain(document, name)
      .map((rule) => /--dports (\S+)/.exec(rule)?.[1]?.split(',').map(Number) ?? [])
      .filter((list) => (list[0] ?? 0) >= 20000);
    assert.equal(Math.max(...lists.map((list) => list.length)), 15);
    assert.deepEqual(lists.flat(), ports);
  }
});

test('only IPv6 inclusions redirect nothing', () => {
  const rules = chain(redirectionRules({ ...NONE, outboundIPRangeInclusions: ['fd00::/8'] }), 'OSM_PROXY_OUTBOUND');
  assert.equal(rules.at(-1), '-A OSM_PROXY_OUTBOUND -j RETURN');
  assert.equal(rules.filter((rule) => rule.endsWith('OUT_REDIRECT')).length, 0);
});

test('PodIP mode delivers to the pod address but leaves the admin interface on loopback', () => {
  const document = redirectionRules({ ...NONE, localProxyMode: 'PodIP' });
  assert.match(
    document,
    /^-I OUTPUT -p tcp -o lo -d 127\.0\.0\.1\/32 -m owner --uid-owner 1500 ! --dport 15000 -j DNAT --to-destination \$POD_IP$/m,
  );
});

test('raw probe ports are exempt from inbound redirection', () => {
  const document = redirectionRules({ ...NONE, probePorts: [15910, 15911] });
  assert.match(document, /--dports 15010,15901,15902,15903,15904,15905,15910,15911 -j RETURN/);
});
