/** The protobuf wire format, as far as the discovery messages need it (protobuf.dev: "Encoding"). */

/** A message that is not what it should be; ends the stream it came on. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

/** Wire types of a field's key. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** One field as read: `bytes` for length-delimited fields (a view into the message), `number` for varints. */
export interface Field {
  readonly number: number;
  readonly bytes: Uint8Array | undefined;
  readonly value: number;
}

/** The fields of a message in order; fixed-width fields are skipped. Throws {@link MalformedMessage}. */
export function* readFields(message: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const octet = message[at++];
      if (octet === undefined) throw new MalformedMessage('a number is cut off');
      value += (octet & 0x7f) * 2 ** shift;
      if (octet < 0x80) return value;
    }
    throw new MalformedMessage('a number of more than ten octets');
  };
  const skip = (length: number): number => {
    if (at + length > message.length) throw new MalformedMessage('a field is cut off');
    at += length;
    return at - length;
  };
  while (at < message.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    const type = key % 8;
    if (type === VARINT) yield { number, bytes: undefined, value: varint() };
    else if (type === BYTES) {
      const length = varint();
      const start = skip(length);
      yield { number, bytes: message.subarray(start, start + length), value: 0 };
    } else if (type === FIXED64) skip(8);
    else if (type === FIXED32) skip(4);
    else throw new MalformedMessage(`wire type ${type}`);
  }
}

/** Text of a string field. Throws {@link MalformedMessage} when it is no UTF-8 or no length-delimited field. */
export function readString(field: Field): string {
  if (field.bytes === undefined) throw new MalformedMessage(`field ${field.number} is no string`);
  try {
    return UTF8.decode(field.bytes);
  } catch {
    throw new MalformedMessage(`field ${field.number} is no UTF-8`);
  }
}
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes of a message field. Throws {@link MalformedMessage} for a field of another wire type. */
export function readMessage(field: Field): Uint8Array {
  if (field.bytes === undefined) throw new MalformedMessage(`field ${field.number} is no message`);
  return field.bytes;
}

/** A varint of a number from 0 to 2^53. */
export function writeVarint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
  return Uint8Array.from(out);
}

/** Key and length of a length-delimited field; its content follows. Field numbers are below 16 here. */
export function writeHead(field: number, length: number): Uint8Array {
  return Uint8Array.from([field * 8 + BYTES, ...writeVarint(length)]);
}

/** A string field; empty strings are left out, as proto3 does. */
export function writeString(field: number, text: string): Uint8Array {
  if (text === '') return new Uint8Array();
  const content = Buffer.from(text, 'utf8');
  return Buffer.concat([writeHead(field, content.length), content]);
}
