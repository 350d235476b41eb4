import { OSM_NAMESPACE } from '../start/demo.ts';
import type { CheckContext, Claim } from './claim.ts';
import { claimThat } from './claim-failed.ts';
import { losses, type Shopper } from './shopper.ts';
import { until } from './until.ts';

const PATIENCE_MS = 10_000;
const LIMIT_MS = 1000;
const BURST = 50;
const RBAC = 'envoy.extensions.filters.network.rbac.v3.RBAC';
/** Filter chain of a caller of the bookstore. */
const TO_BOOKSTORE = 'outbound_bookstore/bookstore_14001_http';
const BUYER_ID = 'spiffe://cluster.local/bookbuyer/bookbuyer';

/** Switches permissive mode with kubectl. */
export const setPermissive = (context: Pick<CheckContext, 'demo'>, on: boolean): Promise<string> =>
  context.demo.kubectl([
    'patch',
    'meshconfig',
    'osm-mesh-config',
    '--namespace',
    OSM_NAMESPACE,
    '--type=merge',
    '--patch',
    JSON.stringify({ spec: { traffic: { enablePermissiveTrafficPolicyMode: on } } }),
  ]);

const getsBooks = (shopper: Shopper, who: string): Promise<true> =>
  until(`${who} gets books`, PATIENCE_MS, async () => ((await shopper.burst(10)).books === 10 ? true : undefined));

/** 1: who may call whom changes with one kubectl command, everywhere, within a second. */
export const access: Claim = {
  number: 1,
  title: 'access: permissive, denied, allowed by policy; each change in force in every proxy within 1 s',
  async verify({ demo, buyer, thief, proxies }) {
    const times: string[] = [];
    const timed = async (name: string, took: Promise<number>): Promise<void> => {
      const ms = await took;
      times.push(`${name} ${ms.toFixed(0)} ms`);
      claimThat(ms <= LIMIT_MS, `${name} took ${ms.toFixed(0)} ms to be in force in every proxy`);
    };
    await getsBooks(buyer, 'permissive mode: bookbuyer');
    await getsBooks(thief, 'permissive mode: bookthief');

    await setPermissive({ demo }, false);
    await timed(
      'permissive off',
      proxies.untilAll('permissive mode is off', PATIENCE_MS, (configuration, proxy) =>
        ['bookstore', 'bookwarehouse', 'mysql'].includes(proxy.app)
          ? configuration.includes(RBAC)
          : !configuration.includes(TO_BOOKSTORE),
      ),
    );
    for (const [name, shopper] of Object.entries({ bookbuyer: buyer, bookthief: thief })) {
      const { books } = await shopper.burst(BURST);
      claimThat(books === 0, `without policies ${name} still got ${books} of ${BURST} books`);
    }

    await demo.apply('policies/bookwarehouse.yaml');
    await demo.apply('policies/bookstore.yaml');
    await timed(
      'policies',
      proxies.untilAll('the TrafficTargets are in force', PATIENCE_MS, (configuration, proxy) => {
        if (proxy.app === 'bookstore') return configuration.includes(BUYER_ID);
        if (proxy.app === 'bookbuyer') return configuration.includes(TO_BOOKSTORE);
        return true;
      }),
    );
    const bought = await buyer.burst(BURST);
    claimThat(
      bought.books === BURST,
      `with its TrafficTarget bookbuyer got ${bought.books} of ${BURST}: ${losses(bought)}`,
    );
    const stolen = await thief.burst(BURST);
    claimThat(stolen.books === 0, `with the TrafficTargets bookthief got ${stolen.books} of ${BURST} books`);
    return `in force everywhere after: ${times.join(', ')}; bookbuyer ${BURST}/${BURST}, bookthief 0/${BURST}`;
  },
};
