/** Prints how many certificates one core issues in a second, keys included: `node packages/pki/src/issue.bench.ts`. */
import { createRoot } from './authority.ts';
import { createEmbeddedIssuer } from './issuer.ts';

const ROUNDS = 5;
const PER_ROUND = 5000;

const issuer = createEmbeddedIssuer(await createRoot({ commonName: 'bench' }));
for (let round = 1; round <= ROUNDS; round++) {
  const start = performance.now();
  const before = process.cpuUsage();
  for (let i = 0; i < PER_ROUND; i++) {
    await issuer.issue({
      commonName: 'cart.shop.cluster.local',
      dnsNames: ['cart.shop.cluster.local'],
      uris: ['spiffe://cluster.local/cart/shop'],
      validitySeconds: 86_400,
    });
  }
  const { user, system } = process.cpuUsage(before);
  const perSecond = Math.round((PER_ROUND / (performance.now() - start)) * 1000);
  const perCpuSecond = Math.round((PER_ROUND / (user + system)) * 1e6);
  console.log(`round ${round}: ${perSecond} certificates/s, ${perCpuSecond} per second of CPU time`);
}
