import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUpstreamTrafficSetting } from '../parse.ts';

const faults = (spec: object): readonly string[] => {
  const parsed = parseUpstreamTrafficSetting({ spec: { host: 'web.shop', ...spec } });
  return parsed.ok ? [] : parsed.faults.map(({ field, message }) => `${field}: ${message}`);
};
const http = (descriptor: object) => ({
  rateLimit: {
    global: {
      http: { rateLimitService: { host: 'limits', port: 8081 }, domain: 'd', descriptors: [{ entries: [descriptor] }] },
    },
  },
});

const CASES: readonly (readonly [what: string, spec: object, ...expected: RegExp[]])[] = [
  ['all of it', { timeouts: { request: '0s' }, outlierDetection: {}, fault: {}, loadBalancing: {} }],
  ['timeouts that are none', { timeouts: { request: 'soon' } }, /^spec\.timeouts\.request: must be a duration/],
  ['an interval of nothing', { outlierDetection: { interval: '0s' } }, /interval: must be longer than nothing/],
  ['more than all', { outlierDetection: { maxEjectionPercent: 101 } }, /maxEjectionPercent/],
  ['a fault that is no answer', { fault: { abort: { status: 99 } } }, /fault\.abort\.status/],
  ['a part of a percent', { fault: { abort: { status: 503, percent: 0.5 } } }, /percent/],
  ['affinity by nothing', { loadBalancing: { affinity: {} } }, /affinity: must have one of header, cookie/],
  [
    'affinity by two',
    { loadBalancing: { affinity: { sourceAddress: {}, header: { name: 'x' } } } },
    /affinity: must have one of/,
  ],
  ['a header that has no name', { loadBalancing: { affinity: { header: { name: 'a b' } } } }, /name of an HTTP header/],
  [
    'slow start with affinity',
    { loadBalancing: { affinity: { sourceAddress: {} }, slowStart: { window: '1s' } } },
    /slowStart: cannot be had with affinity/,
  ],
  ['a zone of another kind', { loadBalancing: { locality: 'SameRack' } }, /locality/],
  ['a descriptor', http({ remoteAddress: {} })],
  ['an empty entry', http({}), /entries\[0\]: must have one of genericKey/],
  [
    'a test of nothing',
    http({ headerValueMatch: { value: 'v', headers: [{ name: 'x' }] } }),
    /headers\[0\]: must have one of exact/,
  ],
];

for (const [what, spec, ...expected] of CASES) {
  test(`an UpstreamTrafficSetting with ${what} is ${expected.length === 0 ? 'taken' : 'refused'}`, () => {
    const found = faults(spec);
    assert.equal(found.length, expected.length, found.join('\n'));
    for (const [at, pattern] of expected.entries()) assert.match(found[at] ?? '', pattern);
  });
}
