import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalizePath, strictPath } from './path.ts';

/** As Envoy 1.40 was seen to forward them; `envoy-path.test.ts` asks it again. */
const SEEN: readonly (readonly [path: string, normal: string | undefined, strict: string | undefined])[] = [
  ['/a/../b', '/b', '/b'],
  ['/..', '/', '/'],
  ['/a/.', '/a/', '/a/'],
  ['/a//../b', '/a/b', '/a/b'],
  ['//..//b', '//b', '/b'],
  ['/a/%2e%2E/b', '/b', '/b'],
  ['/a\\..\\b', '/b', '/b'],
  ['/%7e%41%2d', '/~A-', '/~A-'],
  ['/%', '/%', '/%'],
  ['/%zz', '/%zz', '/%zz'],
  ['/a/%%2e/b', '/a/%./b', '/a/%./b'],
  ['/a/%2%65./b', '/a/%252e./b', '/a/%252e./b'],
  ['/a%2fb', '/a%2fb', undefined],
  ['/a%5Cb', '/a%5Cb', undefined],
  ['/a%252fb', '/a%252fb', '/a%252fb'],
  ['/a/..;x=1/b', '/b', '/b'],
  ['/a/..;x\\b', '/', '/'],
  ['/a/%2e%2e;x/b', '/a/..;x/b', '/a/..;x/b'],
  ['/a/x;y/..;z/b', '/a/b', '/a/b'],
  ['/a;x/../b', '/b', '/b'],
  ['/a|"<>^`{}', '/a%7C%22%3C%3E%5E%60%7B%7D', '/a%7C%22%3C%3E%5E%60%7B%7D'],
  ['///a//b///', '///a//b///', '/a/b/'],
  ['//', '//', '//'],
  ['/a%00', undefined, undefined],
  ['/a#b', undefined, undefined],
  ['/é', undefined, undefined],
  ['/a b', undefined, undefined],
  ['a/b', undefined, undefined],
  ['*', undefined, undefined],
];

for (const [path, normal, strict] of SEEN) {
  test(`${path} becomes ${normal ?? 'nothing'}`, () => {
    assert.equal(normalizePath(path), normal);
    assert.equal(strictPath(path), strict);
  });
}

test('what is plain is its own normal form', () => {
  for (const path of ['/', '/a', '/a/', '/a.b/c;d=1/x@y', "/a'(b)*"]) assert.equal(strictPath(path), path);
});
