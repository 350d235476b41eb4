import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDuration } from './fields.ts';
import { parseSpec } from './kind.ts';
import { KINDS, parseHTTPRouteGroup, parseMeshConfig, parseRetry, parseTrafficTarget } from './parse.ts';

test('durations in the syntax of Go', () => {
  const cases: readonly (readonly [string, number | undefined])[] = [
    ['24h', 86_400_000],
    ['1h30m', 5_400_000],
    ['25ms', 25],
    ['1.5s', 1500],
    ['0', 0],
    ['0s', 0],
    ['-2s', -2000],
    ['500us', 0.5],
    ['', undefined],
    ['5', undefined],
    ['1 h', undefined],
    ['h', undefined],
  ];
  for (const [text, expected] of cases) assert.equal(parseDuration(text), expected, text);
});

test('an empty MeshConfig has every mode off and safe TLS versions', () => {
  const parsed = parseMeshConfig({ spec: {} });
  assert.ok(parsed.ok);
  assert.equal(parsed.spec.traffic.enablePermissiveTrafficPolicyMode, false);
  assert.equal(parsed.spec.traffic.enableEgress, false);
  assert.equal(parsed.spec.sidecar.tlsMinProtocolVersion, 'TLSv1_2');
  assert.equal(parsed.spec.featureFlags.enableRetryPolicy, true);
});

test('headers of an HTTPRouteGroup may be a map or a list of maps', () => {
  for (const headers of [{ host: 'a' }, [{ host: 'a' }, { host: 'b' }]]) {
    const parsed = parseHTTPRouteGroup({ spec: { matches: [{ name: 'm', headers }] } });
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.spec.matches?.[0]?.headers, headers);
  }
});

test('a fault names its field', () => {
  const target = parseTrafficTarget({
    spec: {
      destination: { kind: 'ServiceAccount', name: 'a', namespace: 'n' },
      rules: [{ kind: 'Other', name: 'x' }],
      sources: [{ kind: 'ServiceAccount', name: 'b' }],
    },
  });
  assert.ok(!target.ok);
  assert.deepEqual(
    target.faults.map((fault) => fault.field),
    ['spec.rules[0].kind', 'spec.sources[0].namespace'],
  );
  const retry = parseRetry({ spec: { source: {}, destinations: [], retryPolicy: { perTryTimeout: 'soon' } } });
  assert.ok(!retry.ok);
  assert.match(retry.faults.find((fault) => fault.field === 'spec.retryPolicy.perTryTimeout')?.message ?? '', /30s/);
});

test('no input makes a parser throw', () => {
  fc.assert(
    fc.property(fc.constantFrom(...KINDS), fc.jsonValue(), (kind, spec) => {
      const parsed = parseSpec(kind, { spec });
      return parsed.ok || parsed.faults.length > 0;
    }),
  );
});
