import assert from 'node:assert/strict';
import { test } from 'node:test';
import { denial, WebhookFailure } from './denied.ts';
import { readReview, writeReview } from './review.ts';
import { CREATE_POD } from './testing/requests.ts';

const review = (response: unknown, rest: object = {}) =>
  JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response, ...rest });
const base64 = (text: string) => Buffer.from(text).toString('base64');
const patch = (text: string, rest: object = {}) =>
  review({ uid: 'u', allowed: true, patchType: 'JSONPatch', patch: base64(text), ...rest });

test('an answer is read with all it says', () => {
  const body = review({
    uid: 'u',
    allowed: false,
    status: { code: 418, reason: 'Teapot', message: 'no', details: { kind: 'x' }, extra: 1 },
    warnings: ['w', 1, ''],
    auditAnnotations: { a: 'b', c: 1 },
  });
  assert.deepEqual(readReview(body, 'u', true), {
    allowed: false,
    status: { code: 418, reason: 'Teapot', message: 'no', details: { kind: 'x' } },
    patch: undefined,
    warnings: ['w'],
    auditAnnotations: { a: 'b' },
  });
  assert.deepEqual(readReview(patch('[{"op":"test"}]'), 'u', true).patch, [{ op: 'test' }]);
});

test('only true allows', () => {
  for (const allowed of [undefined, null, 'true', 1])
    assert.equal(readReview(review({ uid: 'u', allowed }), 'u', false).allowed, false);
});

const WRONG: readonly (readonly [name: string, body: string, message: RegExp])[] = [
  ['no JSON', 'hello', /not JSON/],
  ['no review', '[]', /expected webhook response of admission\.k8s\.io\/v1, Kind=AdmissionReview/],
  [
    'another version',
    review({ uid: 'u' }, { apiVersion: 'admission.k8s.io/v1beta1' }),
    /got admission\.k8s\.io\/v1beta1/,
  ],
  ['no response', review(undefined), /response was absent/],
  ['another uid', review({ uid: 'other', allowed: true }), /expected response\.uid="u", got "other"/],
  ['no uid', review({ allowed: true }), /expected response\.uid="u", got ""/],
  ['a patch without type', patch('[]', { patchType: '' }), /response\.patch but not response\.patchType/],
  ['a type without patch', patch('', { patch: '' }), /response\.patchType but not response\.patch/],
  ['another type of patch', patch('[]', { patchType: 'MergePatch' }), /invalid response\.patchType of "MergePatch"/],
  ['a patch that is no JSON', patch('x'), /not JSON in base64/],
];

for (const [name, body, message] of WRONG)
  test(`an answer with ${name} is a failure`, () => {
    assert.throws(
      () => readReview(body, 'u', true),
      (error) => error instanceof WebhookFailure && message.test(error.message),
    );
  });

test('a validating webhook must not patch', () => {
  assert.throws(() => readReview(patch('[]'), 'u', false), /validating webhook may not return response\.patch/);
});

test('warnings are bounded', () => {
  const { warnings } = readReview(
    review({ uid: 'u', allowed: true, warnings: Array(100).fill('x'.repeat(1000)) }),
    'u',
    false,
  );
  assert.equal(warnings.join('').length, 4096);
  assert.ok(warnings.every((warning) => warning.length <= 256));
});

test('a review is sent in the only version', () => {
  assert.deepEqual(JSON.parse(writeReview(CREATE_POD, ['v1beta1', 'v1'])), {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: CREATE_POD,
  });
  assert.throws(() => writeReview(CREATE_POD, ['v1beta1']), /known AdmissionReview versions/);
});

for (const [given, code, message] of [
  [{ message: 'too big', reason: 'Forbidden', code: 403 }, 403, 'admission webhook "h" denied the request: too big'],
  [{ message: '', reason: 'Forbidden', code: 403 }, 403, 'admission webhook "h" denied the request: Forbidden'],
  [{ message: '', reason: '', code: 0 }, 400, 'admission webhook "h" denied the request without explanation'],
  [{ message: 'x', reason: '', code: 200 }, 400, 'admission webhook "h" denied the request: x'],
] as const)
  test(`a denial with code ${given.code} and reason "${given.reason}" is answered with ${code}`, () => {
    const status = denial('h', given);
    assert.deepEqual([status.code, status.message, status.reason ?? ''], [code, message, given.reason]);
  });
