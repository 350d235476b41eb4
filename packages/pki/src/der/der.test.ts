import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PkiError } from '../errors.ts';
import {
  expectTag,
  readBitString,
  readBoolean,
  readChildren,
  readElement,
  readOid,
  readOnly,
  readText,
  readTime,
  readUnsigned,
} from './read.ts';
import {
  bitString,
  boolean,
  element,
  explicit,
  namedBits,
  octetString,
  oid,
  printableString,
  sequence,
  setOf,
  smallInteger,
  TAG,
  time,
  unsignedInteger,
  utf8String,
} from './write.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Examples of X.690 and RFC 5280, and the edges of lengths and integers. */
const WRITTEN: readonly (readonly [string, Uint8Array, string])[] = [
  ['zero', smallInteger(0), '020100'],
  ['127', smallInteger(127), '02017f'],
  ['128 needs a leading zero', smallInteger(128), '02020080'],
  ['256', smallInteger(256), '02020100'],
  ['a magnitude with the high bit', unsignedInteger(Uint8Array.of(0xff)), '020200ff'],
  ['a magnitude with leading zeros', unsignedInteger(Uint8Array.of(0, 0, 1)), '020101'],
  ['true', boolean(true), '0101ff'],
  ['an identifier with large arcs', oid('1.2.840.113549'), '06062a864886f70d'],
  ['an identifier below 2', oid('2.999.3'), '0603883703'],
  ['keyCertSign and cRLSign', namedBits([5, 6]), '03020106'],
  ['decipherOnly is bit 8', namedBits([8]), '0303070080'],
  ['no bits', namedBits([]), '030100'],
  ['a time until 2049', time(new Date('2049-12-31T23:59:59.999Z')), `170d${hex(Buffer.from('491231235959Z'))}`],
  ['a time from 2050', time(new Date('2050-01-01T00:00:00Z')), `180f${hex(Buffer.from('20500101000000Z'))}`],
  ['a set is sorted', setOf(smallInteger(2), smallInteger(1)), '3106020101020102'],
  ['a long length', element(TAG.octetString, new Uint8Array(128)), `048180${'00'.repeat(128)}`],
  ['a longer length', element(TAG.octetString, new Uint8Array(256)), `04820100${'00'.repeat(256)}`],
];

for (const [name, bytes, expected] of WRITTEN) test(`writes ${name}`, () => assert.equal(hex(bytes), expected));

/** What BER allows and DER does not, and what is cut off. */
const REFUSED: readonly (readonly [string, string])[] = [
  ['nothing', ''],
  ['a tag alone', '30'],
  ['an indefinite length', '3080'],
  ['a length that could be shorter', '04810100'],
  ['a length with a leading zero', `04820080${'00'.repeat(128)}`],
  ['a length of five octets', '04850000000001ff'],
  ['a length that is cut off', '0482ff'],
  ['content that is cut off', '040200'],
  ['a high tag number', '1f8101'],
];

for (const [name, bytes] of REFUSED) {
  test(`does not read ${name}`, () =>
    assert.throws(() => readElement(Buffer.from(bytes, 'hex')), { name: 'PkiError', code: 'InvalidDer' }));
}

test('does not read malformed values', () => {
  const read = (bytes: string) => readElement(Buffer.from(bytes, 'hex'));
  for (const wrong of ['0200', '020180', '02020001']) assert.throws(() => readUnsigned(read(wrong)), PkiError, wrong);
  for (const wrong of ['0600', '060180', '06028001', '0609ffffffffffffffff7f']) {
    assert.throws(() => readOid(read(wrong)), PkiError, wrong);
  }
  for (const wrong of ['010101', '0100']) assert.throws(() => readBoolean(read(wrong)), PkiError, wrong);
  assert.throws(() => readBitString(read('03020100')), PkiError);
  assert.throws(() => readTime(readElement(element(TAG.utcTime, Buffer.from('4912312359Z')))), PkiError);
  assert.throws(() => readTime(readElement(element(TAG.generalizedTime, Buffer.from('20501331000000Z')))), PkiError);
  assert.throws(() => readOnly(Buffer.from('020100ff', 'hex'), TAG.integer), PkiError);
  assert.throws(() => readChildren(read('020100')), PkiError);
  assert.throws(() => expectTag(undefined, TAG.integer), PkiError);
  assert.throws(() => oid('3.1'), RangeError);
  assert.throws(() => oid('1.40'), RangeError);
  assert.throws(() => oid('1'), RangeError);
});

test('integers, identifiers, strings, times and nesting come back as they were written', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (magnitude) => {
      const digits = hex(magnitude).replace(/^(00)+(?=..)/, '');
      assert.equal(hex(readUnsigned(readElement(unsignedInteger(magnitude)))), digits);
    }),
  );
  fc.assert(
    fc.property(
      fc.nat(2),
      fc.nat(39),
      fc.array(fc.nat({ max: Number.MAX_SAFE_INTEGER }), { maxLength: 8 }),
      (first, second, rest) => {
        const dotted = [first, second, ...rest].join('.');
        assert.equal(readOid(readElement(oid(dotted))), dotted);
      },
    ),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => assert.equal(readText(readElement(utf8String(text))), text)),
  );
  fc.assert(
    fc.property(fc.date({ min: new Date('1950-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      assert.equal(readTime(readElement(time(date))).getTime(), Math.floor(date.getTime() / 1000) * 1000);
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (contents) => {
      const tree = sequence(explicit(3, ...contents.map(octetString)), bitString(Buffer.concat(contents)));
      const [tagged, bits] = readChildren(readOnly(tree, TAG.sequence));
      assert.ok(tagged !== undefined);
      assert.deepEqual(
        readChildren(tagged).map((one) => hex(one.content)),
        contents.map(hex),
      );
      assert.equal(hex(readBitString(bits)), hex(Buffer.concat(contents)));
    }),
  );
  assert.equal(readText(readElement(printableString('US'))), 'US');
});

test('whatever bytes are read, they are read as DER or refused', () => {
  const walk = (bytes: Uint8Array): void => {
    const found = readElement(bytes);
    // What is accepted is canonical: written again, it is the same.
    assert.equal(hex(element(found.tag, found.content)), hex(found.raw));
    if ((found.tag & 0x20) !== 0) for (const child of readChildren(found)) walk(child.raw);
  };
  const one = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc
      .array(fc.constantFrom(0x30, 0x02, 0x01, 0x80, 0x81, 0x82, 0x00, 0x03, 0xa0), { maxLength: 40 })
      .map((list) => Uint8Array.from(list)),
  );
  fc.assert(
    fc.property(one, (bytes) => {
      try {
        walk(bytes);
      } catch (error) {
        if (!(error instanceof PkiError && error.code === 'InvalidDer')) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
