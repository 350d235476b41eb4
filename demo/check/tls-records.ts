/** What one direction of a connection carried. */
export interface Direction {
  /** TLS versions that a ServerHello in it chose: `TLS 1.3`. */
  readonly versions: ReadonlySet<string>;
  readonly records: number;
  /** Why it is not TLS throughout: where, and the first bytes. */
  readonly fault: string | undefined;
}

const CONTENT_TYPES = new Set([20, 21, 22, 23]);
const HANDSHAKE = 22;
const SERVER_HELLO = 2;
const SUPPORTED_VERSIONS = 43;
/** Of a ciphertext record (RFC 8446 §5.2, RFC 5246 §6.2.3). */
const MAX_RECORD = 2 ** 14 + 2048;
const VERSION_NAMES: Readonly<Record<number, string>> = {
  769: 'TLS 1.0',
  770: 'TLS 1.1',
  771: 'TLS 1.2',
  772: 'TLS 1.3',
};

/** Version that a ServerHello chooses (RFC 8446 §4.1.3, §4.2.1). */
function chosenVersion(hello: Buffer): string | undefined {
  const legacy = hello.readUInt16BE(4);
  const sessionLength = hello[38] ?? 0;
  let at = 39 + sessionLength + 3 + 2;
  while (at + 4 <= hello.length) {
    const extension = hello.readUInt16BE(at);
    const length = hello.readUInt16BE(at + 2);
    if (extension === SUPPORTED_VERSIONS && length === 2) return VERSION_NAMES[hello.readUInt16BE(at + 4)];
    at += 4 + length;
  }
  return VERSION_NAMES[legacy];
}

/** Walks a byte stream record by record; anything that is not a TLS record is a fault. A record cut at the end is none. */
export function readRecords(stream: Buffer): Direction {
  const versions = new Set<string>();
  let records = 0;
  for (let at = 0; at + 5 <= stream.length; records += 1) {
    const type = stream[at] ?? 0;
    const major = stream[at + 1];
    const length = stream.readUInt16BE(at + 3);
    if (!CONTENT_TYPES.has(type) || major !== 3 || length > MAX_RECORD) {
      const bytes = stream
        .subarray(at, at + 40)
        .toString('latin1')
        .replace(/[^\x20-\x7e]/g, '.');
      return { versions, records, fault: `byte ${at} begins no TLS record: “${bytes}”` };
    }
    const body = stream.subarray(at + 5, at + 5 + length);
    if (type === HANDSHAKE && body[0] === SERVER_HELLO && body.length >= 44) {
      const version = chosenVersion(body);
      if (version !== undefined) versions.add(version);
    }
    at += 5 + length;
  }
  return { versions, records, fault: undefined };
}
