/** All addresses are in use. */
export class AddressesExhausted extends Error {
  constructor() {
    super('no pod address is left in 198.19.0.0/16: delete pods, or run another cluster beside this one');
    this.name = 'AddressesExhausted';
  }
}

const PREFIX = '198.19';
const FIRST = 2;
const LAST = 65534;

/**
 * Hands out pod addresses. An address is given again only after its release, and then as late as possible, so that a
 * late packet for a pod that has gone does not reach its successor.
 */
export class AddressPool {
  private readonly taken = new Set<number>();
  private cursor = FIRST;

  /** Takes the next free address. Throws {@link AddressesExhausted}. */
  take(): string {
    for (let tried = FIRST; tried <= LAST; tried += 1) {
      const index = this.cursor;
      this.cursor = index === LAST ? FIRST : index + 1;
      if (this.taken.has(index)) continue;
      this.taken.add(index);
      return `${PREFIX}.${index >> 8}.${index & 255}`;
    }
    throw new AddressesExhausted();
  }

  /** Gives an address back. */
  release(ip: string): void {
    const [, , high = '', low = ''] = ip.split('.');
    this.taken.delete((Number(high) << 8) | Number(low));
  }
}
