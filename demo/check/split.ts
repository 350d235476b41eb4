import type { Claim } from './claim.ts';
import { claimThat } from './claim-failed.ts';
import { losses, startLoad } from './shopper.ts';
import { until } from './until.ts';

const PATIENCE_MS = 10_000;
const REQUESTS = 2000;
/** Two-sided 99.9 % quantile of the normal distribution, to which the binomial comes close for so many requests. */
const Z_999 = 3.2905;

/** 2: a split moves live load without loss. */
export const split: Claim = {
  number: 2,
  title: 'traffic split 100/0 → 50/50 → 0/100 under load: no request fails, the shares are right',
  async verify({ demo, buyer }) {
    const onlyFrom = (server: string): Promise<true> =>
      until(`all books come from ${server}`, PATIENCE_MS, async () => {
        const { servers } = await buyer.burst(100);
        return servers[server] === 100 ? true : undefined;
      });
    const load = startLoad(buyer);
    await demo.apply('policies/split-100-0.yaml');
    await onlyFrom('bookstore-v1');
    await demo.apply('policies/split-50-50.yaml');
    await until('books come from bookstore-v2 too', PATIENCE_MS, async () =>
      (await buyer.burst(50)).servers['bookstore-v2'] ? true : undefined,
    );
    const half = await buyer.burst(REQUESTS, 16);
    await demo.apply('policies/split-0-100.yaml');
    await onlyFrom('bookstore-v2');
    const total = await load.stop();

    const v1 = half.servers['bookstore-v1'] ?? 0;
    const width = Z_999 * Math.sqrt(REQUESTS * 0.25);
    claimThat(losses(half) === '', `at 50/50: ${losses(half)}`);
    claimThat(losses(total) === '', `of ${total.requests} requests under load: ${losses(total)}`);
    claimThat(
      Math.abs(v1 - REQUESTS / 2) <= width,
      `at 50/50 bookstore-v1 answered ${v1} of ${REQUESTS}, outside ${REQUESTS / 2} ± ${width.toFixed(0)}`,
    );
    return `${total.requests + half.requests} requests, none failed; at 50/50 v1 answered ${v1} of ${REQUESTS} (${REQUESTS / 2} ± ${width.toFixed(0)})`;
  },
};
