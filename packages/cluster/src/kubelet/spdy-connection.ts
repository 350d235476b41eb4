import { Duplex } from 'node:stream';
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { spdyDictionary } from './spdy-dictionary.ts';

/** Control frame types (SPDY protocol draft 3.1, section 2.6). */
const TYPE = Object.freeze({
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
});
const VERSION = 3;
const FLAG_FIN = 1;
const HEADER_BYTES = 8;
/** A frame longer than this ends the connection; clients send far smaller ones. */
const MAX_FRAME_BYTES = 1024 * 1024;
const MAX_STREAMS = 1024;
const MAX_DATA_BYTES = 32 * 1024;
const PROTOCOL_ERROR = 1;
const CANCEL = 5;
const REFUSED_STREAM = 3;

/** One stream that the client opened. Its headers have lower-case names. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  private readonly connection: SpdyConnection;
  private wakeReader: (() => void) | undefined;

  constructor(connection: SpdyConnection, id: number, headers: ReadonlyMap<string, string>) {
    super({ allowHalfOpen: true });
    this.connection = connection;
    this.id = id;
    this.headers = headers;
    this.on('error', () => {});
  }

  /** Takes data of the peer. Resolves when there is room for more. */
  receive(data: Buffer): Promise<void> | undefined {
    if (this.destroyed || this.readableEnded || this.push(data)) return undefined;
    return new Promise((resolve) => {
      this.wakeReader = resolve;
    });
  }

  override _read(): void {
    this.wake();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    void this.connection.sendData(this.id, chunk, false).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    void this.connection.sendData(this.id, Buffer.alloc(0), true).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.wake();
    this.connection.closed(this, this.readableEnded && this.writableFinished);
    done(error);
  }

  private wake(): void {
    this.wakeReader?.();
    this.wakeReader = undefined;
  }
}

/**
 * The server's side of a SPDY/3.1 connection, as far as Kubernetes port forwarding uses it: streams opened by the client,
 * pings, resets, header compression. Window updates and settings are read and not acted upon, because the clients of
 * Kubernetes know no flow control; a slow reader stops the whole connection instead.
 */
export class SpdyConnection {
  private readonly transport: Duplex;
  private readonly onStream: (stream: SpdyStream) => void;
  private readonly streams = new Map<number, SpdyStream>();
  private readonly inflate: Inflate = createInflate({ dictionary: spdyDictionary(), flush: constants.Z_SYNC_FLUSH });
  private readonly deflate: Deflate = createDeflate({ dictionary: spdyDictionary(), flush: constants.Z_SYNC_FLUSH });
  private headerBytes = 0;
  /** Order of compressed blocks is order of frames: one at a time. */
  private sending: Promise<void> = Promise.resolve();

  constructor(transport: Duplex, onStream: (stream: SpdyStream) => void) {
    this.transport = transport;
    this.onStream = onStream;
    for (const part of [transport, this.inflate, this.deflate]) part.on('error', () => this.close());
    transport.once('close', () => this.close());
    void this.readFrames();
  }

  /** Ends every stream and the transport. */
  close(): void {
    for (const stream of this.streams.values()) stream.destroy();
    this.streams.clear();
    this.inflate.destroy();
    this.deflate.destroy();
    this.transport.destroy();
  }

  /** Sends stream data; resolves when the transport takes more. */
  async sendData(id: number, data: Buffer, fin: boolean): Promise<void> {
    let offset = 0;
    do {
      const part = data.subarray(offset, offset + MAX_DATA_BYTES);
      offset += part.length;
      const head = Buffer.alloc(HEADER_BYTES);
      head.writeUInt32BE(id & 0x7fffffff, 0);
      head.writeUInt32BE(part.length, 4);
      head[4] = fin && offset >= data.length ? FLAG_FIN : 0;
      await this.send(Buffer.concat([head, part]));
    } while (offset < data.length);
  }

  /** A stream of ours has been destroyed; one that was not over is reset. */
  closed(stream: SpdyStream, complete: boolean): void {
    if (this.streams.get(stream.id) !== stream) return;
    this.streams.delete(stream.id);
    if (!complete) void this.reset(stream.id, CANCEL);
  }

  private async readFrames(): Promise<void> {
    let buffered: Buffer = Buffer.alloc(0);
    try {
      for await (const chunk of this.transport as AsyncIterable<Buffer>) {
        buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
        while (buffered.length >= HEADER_BYTES) {
          const length = buffered.readUInt32BE(4) & 0xffffff;
          if (length > MAX_FRAME_BYTES) throw new Error(`SPDY frame of ${length} bytes`);
          if (buffered.length < HEADER_BYTES + length) break;
          const frame = buffered.subarray(0, HEADER_BYTES + length);
          buffered = buffered.subarray(HEADER_BYTES + length);
          await this.take(frame);
        }
      }
    } catch {
      // A broken peer or transport: nothing is left to say to it.
    }
    this.close();
  }

  private async take(frame: Buffer): Promise<void> {
    const first = frame.readUInt32BE(0);
    const flags = frame[4] ?? 0;
    const body = frame.subarray(HEADER_BYTES);
    if (first >>> 31 === 0) {
      const stream = this.streams.get(first);
      if (!stream) return;
      if (body.length > 0) await stream.receive(body);
      if (flags & FLAG_FIN) stream.push(null);
      return;
    }
    if ((first >>> 16) % 0x8000 !== VERSION) throw new Error('not SPDY/3');
    switch (first & 0xffff) {
      case TYPE.synStream:
        return await this.open(body, (flags & FLAG_FIN) !== 0);
      case TYPE.rstStream: {
        const stream = this.streams.get(body.readUInt32BE(0));
        if (!stream) return;
        this.streams.delete(stream.id);
        stream.destroy();
        return;
      }
      case TYPE.headers:
        // Of no use here, but its block is part of the compression's history.
        await this.readHeaders(body.subarray(4));
        return;
      case TYPE.ping:
        // Odd ids are the client's own; the answer is the frame itself.
        if (body.readUInt32BE(0) % 2 === 1) await this.send(Buffer.from(frame));
        return;
      case TYPE.goAway:
      case TYPE.settings:
      case TYPE.windowUpdate:
        return;
      default:
        throw new Error(`SPDY control frame of type ${first & 0xffff}`);
    }
  }

  private async open(body: Buffer, fin: boolean): Promise<void> {
    const id = body.readUInt32BE(0) & 0x7fffffff;
    const headers = await this.readHeaders(body.subarray(10));
    if (id % 2 === 0 || this.streams.has(id)) return await this.reset(id, PROTOCOL_ERROR);
    if (this.streams.size >= MAX_STREAMS) return await this.reset(id, REFUSED_STREAM);
    const stream = new SpdyStream(this, id, headers);
    this.streams.set(id, stream);
    await this.reply(id);
    if (fin) stream.push(null);
    this.onStream(stream);
  }

  /** SYN_REPLY without headers. */
  private async reply(id: number): Promise<void> {
    const block = await this.compress(Buffer.alloc(4));
    const body = Buffer.alloc(4);
    body.writeUInt32BE(id, 0);
    await this.send(controlFrame(TYPE.synReply, 0, Buffer.concat([body, block])));
  }

  private async reset(id: number, status: number): Promise<void> {
    const body = Buffer.alloc(8);
    body.writeUInt32BE(id, 0);
    body.writeUInt32BE(status, 4);
    await this.send(controlFrame(TYPE.rstStream, 0, body)).catch(() => undefined);
  }

  private send(frame: Buffer): Promise<void> {
    this.sending = this.sending.then(
      () =>
        new Promise<void>((resolve, reject) => {
          if (this.transport.destroyed || this.transport.writableEnded) reject(new Error('the connection is closed'));
          else this.transport.write(frame, (error) => (error ? reject(error) : resolve()));
        }),
    );
    const sent = this.sending;
    this.sending = sent.catch(() => undefined);
    return sent;
  }

  private async readHeaders(block: Buffer): Promise<ReadonlyMap<string, string>> {
    const plain = await transform(this.inflate, block);
    this.headerBytes += plain.length;
    const headers = new Map<string, string>();
    const count = plain.readUInt32BE(0);
    let at = 4;
    const text = (): string => {
      const length = plain.readUInt32BE(at);
      const value = plain.toString('utf8', at + 4, at + 4 + length);
      at += 4 + length;
      return value;
    };
    for (let index = 0; index < count; index++) headers.set(text().toLowerCase(), text());
    return headers;
  }

  private compress(block: Buffer): Promise<Buffer> {
    return transform(this.deflate, block);
  }
}

function controlFrame(type: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(HEADER_BYTES);
  head.writeUInt32BE((0x80000000 | (VERSION << 16) | type) >>> 0, 0);
  head.writeUInt32BE(body.length, 4);
  head[4] = flags;
  return Buffer.concat([head, body]);
}

/** Runs one block through a compression stream that keeps its history, and gives what came out up to the flush. */
function transform(stream: Inflate | Deflate, block: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const collect = (part: Buffer): void => {
      parts.push(part);
    };
    const end = (error?: Error | null): void => {
      stream.off('data', collect);
      stream.off('error', end);
      stream.off('close', closed);
      if (error) reject(error);
      else resolve(Buffer.concat(parts));
    };
    const closed = (): void => end(new Error('the connection is closed'));
    stream.on('data', collect);
    stream.once('error', end);
    stream.once('close', closed);
    stream.write(block, (error) => {
      if (error) end(error);
      // Output is pushed before the write's callback; one turn lets the last of it be read.
      else setImmediate(end);
    });
  });
}
