import assert from 'node:assert/strict';
import { test } from 'node:test';
import { programOf } from './program.ts';

const self = {
  a: { b: 'x' },
  c: 1n,
  d: 1.5,
  l: [1n, 2n, 3n],
  n: null,
  s: 'text',
  t: new Date('2026-01-02T03:04:05Z'),
};
const run = (expression: string): unknown => programOf(expression).run({ self }, { left: 10_000 });

test('every expression holds', () => {
  const expressions = [
    // The language itself.
    "self.a.b == 'x' && has(self.a.b) && !has(self.a.z)",
    'self.l.all(x, x > 0) && self.l.exists(x, x == 2) && self.l.exists_one(x, x == 3)',
    'self.l.filter(x, x > 1) == [2, 3] && self.l.map(x, x * 2) == [2, 4, 6]',
    "'b' in self.a && 2 in self.l && !(9 in self.l)",
    'self.c == 1 && self.c < 1.5 && self.d > self.c && dyn(1) == 1.0',
    'self.n == null',
    "self.?z.orValue('d') == 'd' && self.?s.orValue('d') == 'text'",
    "type(self.s) == string && string(self.c) == '1' && int('7') == 7",
    "duration('1h30m') > duration('80m') && timestamp('2026-01-02T03:04:05Z') == self.t",
    'self.t.getFullYear() == 2026',
    'cel.bind(big, self.l.filter(x, x > 1), big.size() == 2 && big[0] == 2)',
    // Lists.
    '[1, 2, 2].isSorted() && ![2, 1].isSorted() && [].isSorted()',
    'self.l.sum() == 6 && [1.5, 1.5].sum() == 3.0 && [].sum() == 0',
    'self.l.min() == 1 && self.l.max() == 3',
    "['a', 'b', 'a'].indexOf('a') == 0 && ['a', 'b', 'a'].lastIndexOf('a') == 2 && [1].indexOf(2) == -1",
    '[3, 1, 2].sort() == [1, 2, 3] && [1, 2, 1].distinct() == [1, 2]',
    '[[1], [2, 3]].flatten() == [1, 2, 3] && [1, 2].reverse() == [2, 1] && [1, 2, 3].slice(1, 3) == [2, 3]',
    'sets.contains([1, 2], [1]) && sets.equivalent([1, 1], [1]) && !sets.intersects([1], [2])',
    // Strings.
    "'abc'.charAt(1) == 'b' && 'abc'.reverse() == 'cba' && 'a.b.c'.replace('.', '-') == 'a-b-c'",
    "'aaa'.replace('a', 'b', 2) == 'bba' && 'abc'.indexOf('c') == 2 && 'abc'.substring(1) == 'bc'",
    "'k1=v1,k2=v2'.find('k[0-9]') == 'k1' && 'k1 k2 k3'.findAll('k[0-9]', 2) == ['k1', 'k2']",
    "'k1 k2'.findAll('k[0-9]') == ['k1', 'k2'] && 'abc'.matches('^a.c$') && !'abc'.matches('^b')",
    "' A '.trim().lowerAscii() == 'a' && 'a,b'.split(',').join('-') == 'a-b' && strings.quote('a\"') == '\"a\\\\\"\"'",
    "'%s is %d, %.2f, %x, %b%%'.format(['a', 2, 1.5, 255, true]) == 'a is 2, 1.50, ff, 1%'",
    // Addresses.
    "isIP('10.0.0.1') && isIP('::1') && !isIP('10.0.0') && !isIP('::ffff:1.2.3.4') && !isIP('fe80::1%eth0')",
    "ip('10.0.0.1').family() == 4 && ip('::1').family() == 6 && ip('::1').isLoopback() && ip('0.0.0.0').isUnspecified()",
    "ip('169.254.1.1').isLinkLocalUnicast() && ip('224.0.0.1').isLinkLocalMulticast() && ip('8.8.8.8').isGlobalUnicast()",
    "!ip('127.0.0.1').isGlobalUnicast() && ip('0:0::1') == ip('::1') && string(ip('0:0::1')) == '::1'",
    "ip.isCanonical('::1') && !ip.isCanonical('0:0::1')",
    "cidr('10.0.0.0/8').containsIP('10.2.3.4') && !cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))",
    "cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !cidr('10.1.0.0/16').containsCIDR(cidr('10.0.0.0/8'))",
    "cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8') && cidr('10.0.0.0/8').prefixLength() == 8",
    "cidr('2001:db8::1/32').masked() == cidr('2001:db8::/32') && !cidr('10.0.0.0/8').containsIP('::1')",
    "string(cidr('10.0.0.0/8').ip()) == '10.0.0.0' && isCIDR('10.0.0.0/8') && !isCIDR('10.0.0.0/33')",
    // URLs.
    "url('https://user@example.com:443/a%20b?x=1&x=2').getPort() == '443' && isURL('/path') && !isURL('nope')",
    "url('https://example.com:80/').getHost() == 'example.com:80' && url('https://[::1]:80/').getHostname() == '::1'",
    "url('https://e.com/a%20b?x=1&x=2').getEscapedPath() == '/a%20b' && url('https://e.com?x=1&x=2').getQuery() == {'x': ['1', '2']}",
    "url('/path').getScheme() == '' && url('/path').getHost() == '' && url('https://e.com').getScheme() == 'https'",
    // Quantities.
    "isQuantity('1.3Gi') && !isQuantity('1x') && quantity('1Gi').isGreaterThan(quantity('500Mi'))",
    "quantity('1k') == quantity('1000') && quantity('500m').isLessThan(quantity('1')) && quantity('1').compareTo(quantity('2')) == -1",
    "quantity('1').add(quantity('500m')).asApproximateFloat() == 1.5 && quantity('3').sub(1).asInteger() == 2",
    "quantity('50k').isInteger() && !quantity('50m').isInteger() && quantity('-1').sign() == -1 && quantity('1').add(2) == quantity('3')",
    // Formats.
    "!format.dns1123Label().validate('good').hasValue() && format.dns1123Label().validate('Bad').hasValue()",
    "format.uuid().validate('x').hasValue() && !format.date().validate('2026-01-01').hasValue()",
    "!format.dns1123LabelPrefix().validate('good-').hasValue() && format.qualifiedName().validate('a/b/c').hasValue()",
  ];
  for (const expression of expressions) assert.equal(run(expression), true, expression);
});

test('what cannot be evaluated says why', () => {
  const table: readonly (readonly [string, RegExp])[] = [
    ['self.missing == 1', /No such key: missing/],
    ['self.l[7] == 1', /index out of bounds/],
    ["ip('x').family() == 4", /parse error/],
    ["cidr('10.0.0.0')", /parse error/],
    ["url('x').getHost() == ''", /URL parse error/],
    ["quantity('x').sign() == 1", /not a quantity/],
    ["quantity('1.5').asInteger() == 1", /whole number/],
    ['[].min() == 1', /min called on empty list/],
    ['[1, 2].slice(1, 9) == []', /out of range/],
    ["['a'].sum() == 1", /list of numbers/],
    ["'abc'.charAt(9) == ''", /out of range/],
    ["'a'.find('(')  == ''", /invalid regular expression/],
    ["'%q'.format([1]) == ''", /could not parse/],
    ["'%d'.format([]) == ''", /out of range/],
    ["'%d'.format(['a']) == ''", /takes a number/],
    ['1 / 0 == 1', /division by zero/],
  ];
  for (const [expression, why] of table) assert.throws(() => run(expression), why, expression);
});

test('what is no expression is refused before it runs', () => {
  const table: readonly (readonly [string, RegExp])[] = [
    ['self.', /Expected|Unexpected/],
    ['other == 1', /Unknown variable: other/],
    ['unknown(self)', /no matching overload/],
    ["1 + 'a' == 2", /no such overload/],
    [`self.c == ${'1 + '.repeat(5000)}1`, /longer than/],
    [`${'('.repeat(200)}1${')'.repeat(200)} == 1`, /maxDepth/],
  ];
  for (const [expression, why] of table) assert.throws(() => programOf(expression), why, expression.slice(0, 40));
});

test('an expression stops when its budget is spent, whatever it is made of', () => {
  const many = { l: Array.from({ length: 200 }, (_, index) => BigInt(index)), s: 'x'.repeat(1000) };
  const expressions = [
    'self.l.all(a, self.l.all(b, self.l.all(c, self.l.all(d, true))))',
    'self.l.map(a, self.l.map(b, self.l.map(c, a + b + c))).size() > 0',
    'cel.bind(t, self.l + self.l, cel.bind(u, t + t, cel.bind(v, u + u, cel.bind(w, v + v, w.all(a, w.all(b, true))))))',
    `${Array.from({ length: 20 }, (_, index) => `cel.bind(s${index}, ${index === 0 ? 'self.s' : `s${index - 1}`} + ${index === 0 ? 'self.s' : `s${index - 1}`}`).join(', ')}, s19.size() > 0${')'.repeat(20)}`,
  ];
  for (const expression of expressions) {
    const budget = { left: 100_000 };
    const started = performance.now();
    assert.throws(() => programOf(expression).run({ self: many }, budget), /cost of the rules/, expression);
    assert.ok(performance.now() - started < 2000, `${expression} took too long`);
  }
});

test('programs know whether they speak of the old value', () => {
  assert.equal(programOf('self == oldSelf').usesOld, true);
  assert.equal(programOf('self.all(x, x in oldSelf)').usesOld, true);
  assert.equal(programOf('self.oldSelf == 1').usesOld, false);
});
