import type { Demo } from '../start/demo.ts';
import type { Capture } from './capture.ts';
import type { Proxies } from './proxies.ts';
import type { Shopper } from './shopper.ts';

/** What claims are judged with. */
export interface CheckContext {
  readonly demo: Demo;
  readonly buyer: Shopper;
  readonly thief: Shopper;
  readonly proxies: Proxies;
  readonly capture: Capture;
  /** Addresses of the bookstore's meshed pods, those too that are gone. */
  readonly meshed: () => ReadonlySet<string>;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/** One promise of the mesh. `verify` resolves with what was seen when it holds, and throws ClaimFailed when not. */
export interface Claim {
  readonly number: number;
  readonly title: string;
  verify(context: CheckContext): Promise<string>;
}

/** What came of a claim. */
export interface Verdict {
  readonly claim: number;
  readonly title: string;
  readonly holds: boolean;
  readonly evidence: string;
  readonly seconds: number;
}
