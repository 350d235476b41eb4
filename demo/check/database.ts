import { join } from 'node:path';
import { PRODUCT_ROOT } from '@osm/cli';
import { APP_PORT } from '../start/demo.ts';
import type { Claim } from './claim.ts';
import { claimThat } from './claim-failed.ts';
import { until } from './until.ts';

interface Warehouse {
  readonly written: number;
  readonly refused: number;
  readonly lastError: string;
}

const PATIENCE_MS = 15_000;

/** 4: TCP where the server speaks first, by policy. */
export const database: Claim = {
  number: 4,
  title:
    'the warehouse reaches its database (server-speaks-first TCP) with TCPRoute and TrafficTarget, and not without',
  async verify({ demo }) {
    const way = await demo.forward('bookwarehouse', 'deploy/bookwarehouse', APP_PORT);
    const counters = async (): Promise<Warehouse> =>
      (await (await fetch(`${way.url(APP_PORT)}/counters`)).json()) as Warehouse;
    // bookbuyer shops all the time, and every tenth sale is an order to the warehouse.
    const more = (what: string, field: 'written' | 'refused', count: number) =>
      until(what, PATIENCE_MS, async () => {
        const before = (await counters())[field];
        return until(what, PATIENCE_MS, async () => {
          const now = await counters();
          return now[field] >= before + count ? now : undefined;
        });
      });
    try {
      const allowed = await more('with the policy the warehouse writes', 'written', 3);
      await demo.kubectl(['delete', 'traffictarget', 'mysql', '--namespace', 'bookwarehouse']);
      await more('without the policy the warehouse is refused', 'refused', 1);
      const frozen = (await counters()).written;
      const refused = await more('without the policy the warehouse is refused', 'refused', 2);
      claimThat(refused.written === frozen, `without the policy ${refused.written - frozen} books were written`);
      await demo.kubectl(['apply', '-f', join(PRODUCT_ROOT, 'demo', 'policies', 'bookwarehouse.yaml')]);
      await more('with the policy again the warehouse writes', 'written', 2);
      return `${allowed.written} written with the policy; without it refused (“${refused.lastError}”), and none written`;
    } finally {
      way.close();
    }
  },
};
