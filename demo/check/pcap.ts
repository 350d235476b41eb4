/** One TCP segment of a capture. */
export interface Segment {
  /** `address:port` */
  readonly from: string;
  readonly to: string;
  readonly sequence: number;
  readonly syn: boolean;
  readonly payload: Buffer;
}

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const LINK_ETHERNET = 1;
const ETHERTYPE_IPV4 = 0x0800;
const PROTOCOL_TCP = 6;
const SYN = 0x02;

/** A file is not a capture that can be read, or was cut within a packet. */
export class BadCapture extends Error {}

/**
 * Reads the TCP segments over IPv4 of a capture in pcap form (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-06.html), taken on an
 * Ethernet link on this machine.
 */
export function* readSegments(file: Buffer): Generator<Segment> {
  if (file.length < 24) throw new BadCapture('the capture has no header');
  const magic = file.readUInt32LE(0);
  if (magic !== MAGIC_MICROSECONDS && magic !== MAGIC_NANOSECONDS) throw new BadCapture('this is no pcap file');
  const link = file.readUInt32LE(20) & 0xffff;
  if (link !== LINK_ETHERNET) throw new BadCapture(`link type ${link} is not Ethernet`);
  for (let at = 24; at < file.length; ) {
    if (at + 16 > file.length) throw new BadCapture('the capture is cut');
    const captured = file.readUInt32LE(at + 8);
    const original = file.readUInt32LE(at + 12);
    at += 16;
    if (at + captured > file.length) throw new BadCapture('the capture is cut');
    const segment = readFrame(file.subarray(at, at + captured), captured < original);
    if (segment !== undefined) yield segment;
    at += captured;
  }
}

const address = (bytes: Buffer): string => bytes.join('.');

function readFrame(frame: Buffer, isCut: boolean): Segment | undefined {
  if (frame.length < 34 || frame.readUInt16BE(12) !== ETHERTYPE_IPV4) return undefined;
  const packet = frame.subarray(14);
  const headerLength = ((packet[0] ?? 0) & 0x0f) * 4;
  if (packet[9] !== PROTOCOL_TCP || packet.length < headerLength + 20) return undefined;
  if (isCut) throw new BadCapture('a packet was captured in part');
  // With segmentation left to the device a large packet has length 0 and reaches to the end of the frame.
  const totalLength = packet.readUInt16BE(2) || packet.length;
  const tcp = packet.subarray(headerLength, totalLength);
  const offset = ((tcp[12] ?? 0) >> 4) * 4;
  return {
    from: `${address(packet.subarray(12, 16))}:${tcp.readUInt16BE(0)}`,
    to: `${address(packet.subarray(16, 20))}:${tcp.readUInt16BE(2)}`,
    sequence: tcp.readUInt32BE(4),
    syn: ((tcp[13] ?? 0) & SYN) !== 0,
    payload: Buffer.from(tcp.subarray(offset)),
  };
}
