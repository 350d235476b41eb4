import {
  credentials,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
} from '@grpc/grpc-js';
import type { Listening } from './servers.ts';

const text = {
  requestSerialize: (value: string) => Buffer.from(value),
  requestDeserialize: (bytes: Buffer) => bytes.toString(),
  responseSerialize: (value: string) => Buffer.from(value),
  responseDeserialize: (bytes: Buffer) => bytes.toString(),
};

/** A service whose messages are plain text: one call with one answer, and one that goes on in both directions. */
const ECHO: ServiceDefinition = {
  say: { path: '/test.Echo/Say', requestStream: false, responseStream: false, ...text },
  talk: { path: '/test.Echo/Talk', requestStream: true, responseStream: true, ...text },
};

/** Serves the echo over HTTP/2 without TLS. */
export async function serveGrpc({ name, port, address }: Listening): Promise<void> {
  const server = new Server();
  server.addService(ECHO, {
    say: (call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) => done(null, `${name}: ${call.request}`),
    talk: (call: ServerDuplexStream<string, string>) => {
      call.on('data', (said: string) => call.write(`${name}: ${said}`));
      call.on('end', () => call.end());
    },
  });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`${address}:${port}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
}

interface EchoClient {
  say(request: string, options: { deadline: number }, done: (error: Error | null, answer: string) => void): void;
  talk(): import('@grpc/grpc-js').ClientDuplexStream<string, string>;
  close(): void;
}
type EchoClientConstructor = new (target: string, secret: ReturnType<typeof credentials.createInsecure>) => unknown;

const connect = (target: string): EchoClient =>
  new (makeGenericClientConstructor(ECHO, 'Echo') as EchoClientConstructor)(
    target,
    credentials.createInsecure(),
  ) as EchoClient;

/** Says each word in a call of its own, or with `stream` all in one; the answers. */
export async function callGrpc(target: string, words: readonly string[], stream: boolean): Promise<readonly string[]> {
  const client = connect(target);
  try {
    if (stream) {
      return await new Promise((resolve, reject) => {
        const answers: string[] = [];
        const call = client.talk();
        call.on('error', reject);
        call.on('data', (answer: string) => {
          if (answers.push(answer) === words.length) call.end();
        });
        call.on('end', () => resolve(answers));
        for (const word of words) call.write(word);
      });
    }
    const answers: string[] = [];
    for (const word of words) {
      answers.push(
        await new Promise<string>((resolve, reject) =>
          client.say(word, { deadline: Date.now() + 10_000 }, (error, answer) =>
            error ? reject(error) : resolve(answer),
          ),
        ),
      );
    }
    return answers;
  } finally {
    client.close();
  }
}
