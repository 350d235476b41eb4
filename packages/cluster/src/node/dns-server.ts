import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  type Packet,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from 'dns-packet';
import { CLUSTER_DOMAIN } from './addresses.ts';
import { answer, type DnsReply, TTL } from './dns-records.ts';
import type { ServiceDirectory } from './service-directory.ts';

/** Response codes (RFC 1035 §4.1.1), which are the low bits of the flags. */
const RCODES: Readonly<Record<DnsReply['rcode'] | 'FORMERR', number>> = {
  NOERROR: 0,
  FORMERR: 1,
  NXDOMAIN: 3,
  NOTIMP: 4,
};
/** Without EDNS a UDP answer holds 512 bytes (RFC 1035 §4.2.1); with it, what fits a packet anywhere (DNS flag day 2020). */
const PLAIN_UDP_BYTES = 512;
const EDNS_UDP_BYTES = 1232;
const MAX_TCP_CONNECTIONS = 256;
const TCP_IDLE_MS = 10_000;

/** A running name server. */
export interface DnsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves the cluster's names over UDP and TCP on one address. Port 0 lets the system choose. Rejects when it cannot listen. */
export async function startDnsServer(directory: ServiceDirectory, host: string, port: number): Promise<DnsServer> {
  const tcp = createServer((socket) => serveStream(directory, socket));
  tcp.maxConnections = MAX_TCP_CONNECTIONS;
  tcp.listen(port, host);
  await once(tcp, 'listening');
  const chosen = portOf(tcp);
  const udp = createSocket('udp4');
  udp.on('message', (message, from) => {
    const reply = replyTo(directory, message, 'udp');
    if (reply) udp.send(reply, from.port, from.address);
  });
  // A peer that has gone (ICMP port unreachable) is no fault of the server.
  udp.on('error', () => {});
  await bind(udp, chosen, host);
  return {
    port: chosen,
    close: async () => {
      udp.close();
      tcp.close();
    },
  };
}

/** The wire answer to a wire question; undefined for what is not a question at all. Pure but for the directory. */
export function replyTo(directory: ServiceDirectory, message: Buffer, transport: 'udp' | 'tcp'): Buffer | undefined {
  let query: Packet;
  try {
    query = decode(message);
  } catch {
    return message.length >= 12 && (message.readUInt16BE(2) & 0x8000) === 0 ? malformed(message) : undefined;
  }
  if (query.type !== 'query') return undefined;
  const question = query.questions?.[0];
  if (!question || query.questions?.length !== 1) return malformed(message);
  const opcode = ((query.flags ?? 0) >> 11) & 15;
  const reply: DnsReply =
    opcode === 0 ? answer(directory, question, rotate) : { rcode: 'NOTIMP', answers: [], additionals: [] };
  const edns = query.additionals?.find((a) => a.type === 'OPT');
  const limit =
    transport === 'tcp'
      ? 65535
      : edns?.type === 'OPT'
        ? Math.min(Math.max(edns.udpPayloadSize, PLAIN_UDP_BYTES), EDNS_UDP_BYTES)
        : PLAIN_UDP_BYTES;
  const options: Answer[] = edns
    ? [{ type: 'OPT', name: '.', udpPayloadSize: EDNS_UDP_BYTES, flags: 0, options: [] } as unknown as Answer]
    : [];
  const packet = (extra: Partial<Packet>, flag: number): Buffer =>
    encode({
      type: 'response',
      ...(query.id === undefined ? {} : { id: query.id }),
      flags: AUTHORITATIVE_ANSWER | ((query.flags ?? 0) & RECURSION_DESIRED) | flag | RCODES[reply.rcode],
      questions: [question],
      ...extra,
    });
  const authorities = reply.answers.length === 0 ? [startOfAuthority()] : [];
  const whole = packet(
    { answers: [...reply.answers], authorities, additionals: [...reply.additionals, ...options] },
    0,
  );
  if (whole.length <= limit) return whole;
  const slim = packet({ answers: [...reply.answers], additionals: options }, 0);
  return slim.length <= limit ? slim : packet({ answers: [], additionals: options }, TRUNCATED_RESPONSE);
}

/** Tells resolvers how long to remember that a name is not there (RFC 2308). */
function startOfAuthority(): Answer {
  return {
    type: 'SOA',
    name: CLUSTER_DOMAIN,
    ttl: TTL,
    data: {
      mname: `ns.dns.${CLUSTER_DOMAIN}`,
      rname: `hostmaster.${CLUSTER_DOMAIN}`,
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86400,
      minimum: TTL,
    },
  };
}

function malformed(message: Buffer): Buffer {
  const reply = Buffer.alloc(12);
  message.copy(reply, 0, 0, 2);
  reply.writeUInt16BE(0x8000 | RCODES.FORMERR, 2);
  return reply;
}

let turn = 0;

/** Another address first each time, so that clients which take the first spread out. */
function rotate<T>(list: readonly T[]): readonly T[] {
  if (list.length < 2) return list;
  turn = (turn + 1) % 65536;
  const from = turn % list.length;
  return [...list.slice(from), ...list.slice(0, from)];
}

/** Questions on a stream, each after its length (RFC 1035 §4.2.2). */
function serveStream(directory: ServiceDirectory, socket: Socket): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      const reply = replyTo(directory, pending.subarray(2, end), 'tcp');
      pending = pending.subarray(end);
      if (!reply) return void socket.destroy();
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length);
      socket.write(Buffer.concat([length, reply]));
    }
  });
}

async function bind(socket: UdpSocket, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => reject(error);
    socket.once('error', fail);
    socket.bind(port, host, () => {
      socket.off('error', fail);
      resolve();
    });
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
