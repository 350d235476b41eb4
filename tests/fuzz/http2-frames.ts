/** HTTP/2 written frame by frame (RFC 9113), as no proper client would write it. */

const frame = (type: number, flags: number, stream: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};

/** A string of HPACK without Huffman coding (RFC 7541 §5.2). */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  const length: number[] = [];
  if (bytes.length < 127) length.push(bytes.length);
  else {
    length.push(127);
    let rest = bytes.length - 127;
    for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
    length.push(rest);
  }
  return Buffer.concat([Buffer.from(length), bytes]);
}

/** A connection with one request of the given header fields, in their order; each is a literal (RFC 7541 §6.2.2). */
export function http2Request(fields: readonly (readonly [name: string, value: string])[], body?: string): Buffer {
  const block = Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
  const END_STREAM = 1;
  const END_HEADERS = 4;
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(4, 0, 0, Buffer.alloc(0)),
    frame(1, END_HEADERS | (body === undefined ? END_STREAM : 0), 1, block),
    ...(body === undefined ? [] : [frame(0, END_STREAM, 1, Buffer.from(body))]),
  ]);
}
