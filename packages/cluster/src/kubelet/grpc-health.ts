import { connect, constants } from 'node:http2';
import type { ProbeResult } from './probe-result.ts';

/** HealthCheckResponse.ServingStatus of grpc.health.v1. */
const SERVING = 1;

/**
 * One `grpc.health.v1.Health/Check` over cleartext HTTP/2 (gRPC health checking protocol). Success is SERVING. The two
 * messages have one field each, so they are encoded by hand.
 */
export function checkGrpcHealth(host: string, port: number, service: string, timeoutMs: number): Promise<ProbeResult> {
  const where = `${host}:${port}`;
  return new Promise((resolve) => {
    const session = connect(`http://${where}`);
    const end = (message: string): void => {
      clearTimeout(timer);
      session.destroy();
      resolve({ success: message === '', message });
    };
    const timer = setTimeout(
      () => end(`timeout: failed to connect service ${JSON.stringify(where)} within ${timeoutMs / 1000}s`),
      timeoutMs,
    );
    session.on('error', (error) => end(`error: failed to connect service ${JSON.stringify(where)}: ${error.message}`));
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      'user-agent': 'kube-probe/1.37',
      te: 'trailers',
    });
    let body = Buffer.alloc(0);
    let status: string | undefined;
    let text: string | undefined;
    const readTrailers = (headers: Readonly<Record<string, unknown>>): void => {
      if (headers['grpc-status'] !== undefined) status = String(headers['grpc-status']);
      if (headers['grpc-message'] !== undefined) text = String(headers['grpc-message']);
    };
    stream.on('response', readTrailers);
    stream.on('trailers', readTrailers);
    stream.on('data', (chunk: Buffer) => {
      if (body.length < 1024) body = Buffer.concat([body, chunk]);
    });
    stream.on('error', (error) => end(`error: health rpc failed: ${error.message}`));
    stream.on('end', () => {
      if (status !== '0')
        end(`error: health rpc failed: rpc error: code = ${status ?? 'unknown'}${text ? ` desc = ${text}` : ''}`);
      else if (servingStatus(body) !== SERVING)
        end(`service unhealthy (responded with ${JSON.stringify(statusName(servingStatus(body)))})`);
      else end('');
    });
    stream.end(encodeRequest(service));
  });
}

/** A gRPC frame with HealthCheckRequest{service = 1}. */
function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const length: number[] = [];
  for (let rest = name.length; ; rest >>>= 7) {
    if (rest < 128) {
      length.push(rest);
      break;
    }
    length.push((rest & 127) | 128);
  }
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, ...length]), name]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}

/** The status (field 1, varint) of a framed HealthCheckResponse; 0 when absent. */
function servingStatus(frame: Buffer): number {
  return frame.length >= 7 && frame[5] === 0x08 ? (frame[6] ?? 0) : 0;
}

function statusName(status: number): string {
  return ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'][status] ?? String(status);
}
