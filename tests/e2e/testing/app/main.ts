import { serveCalls } from './calls.ts';
import { SERVERS, serverNamed } from './servers.ts';

/**
 * An application for the tests. SERVE lists what it serves, such as `http:8080,tcp:9000`, with `@address` where it shall listen
 * on one address only (`@pod` is the pod's). It makes the calls that tests ask of it at port 9900 of its loopback address.
 */
const name = process.env.NAME ?? process.env.HOSTNAME ?? 'app';
for (const word of (process.env.SERVE ?? '').split(',').filter(Boolean)) {
  const [protocol = '', place = ''] = word.split(':');
  const [port, address = '0.0.0.0'] = place.split('@');
  const serve = serverNamed(protocol);
  if (serve === undefined) throw new Error(`SERVE=${word}: none of ${Object.keys(SERVERS).join(', ')}`);
  await serve({ name, port: Number(port), address: address === 'pod' ? (process.env.POD_IP ?? '') : address });
}
await serveCalls(9900);
process.on('SIGTERM', () => process.exit(0));
console.log('serving');
