import { createServer } from 'node:http';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import {
  type CheckRequest,
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
} from '@osm/envoy/gen/envoy/service/auth/v3/external_auth_pb.js';

/**
 * An authorization service: who has a token may call, and the application is told who that is. It is asked over gRPC at
 * port 9191 and over HTTP at port 8000.
 */
const PERMISSION_DENIED = 7;
const hasToken = (headers: Readonly<Record<string, string | string[] | undefined>>): boolean =>
  headers['x-token'] === 'good';

function check(request: CheckRequest): CheckResponse {
  const headers = request.attributes?.request?.http?.headers ?? {};
  if (!hasToken(headers)) {
    const deniedResponse = { status: { code: 401 }, body: 'a token is needed' };
    return create(CheckResponseSchema, {
      status: { code: PERMISSION_DENIED },
      httpResponse: { case: 'deniedResponse', value: deniedResponse },
    });
  }
  const caller = { header: { key: 'x-authorized', value: request.attributes?.source?.principal ?? '' } };
  return create(CheckResponseSchema, {
    status: { code: 0 },
    httpResponse: { case: 'okResponse', value: { headers: [caller] } },
  });
}

const rpc = new Server();
rpc.addService(
  {
    check: {
      path: '/envoy.service.auth.v3.Authorization/Check',
      requestStream: false,
      responseStream: false,
      requestSerialize: (message: CheckRequest) => Buffer.from(toBinary(CheckRequestSchema, message)),
      requestDeserialize: (bytes: Buffer) => fromBinary(CheckRequestSchema, bytes),
      responseSerialize: (message: CheckResponse) => Buffer.from(toBinary(CheckResponseSchema, message)),
      responseDeserialize: (bytes: Buffer) => fromBinary(CheckResponseSchema, bytes),
    },
  },
  {
    check: (call: ServerUnaryCall<CheckRequest, CheckResponse>, done: sendUnaryData<CheckResponse>) =>
      done(null, check(call.request)),
  },
);
await new Promise<void>((resolve, reject) =>
  rpc.bindAsync('0.0.0.0:9191', ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
);

createServer(({ headers }, response) => {
  response.statusCode = hasToken(headers) ? 200 : 407;
  response.setHeader('x-session', 'of-token');
  response.end();
}).listen(8000, '0.0.0.0', () => console.log('serving'));
process.on('SIGTERM', () => process.exit(0));
