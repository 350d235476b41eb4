/** A moment until which something may take its time; it can be brought forward while others wait for it. */
export class Deadline {
  private at: number;
  private readonly waiting = new Set<() => void>();

  /** `at` in milliseconds since the epoch. */
  constructor(at: number) {
    this.at = at;
  }

  /** Milliseconds left, 0 when it has passed. */
  get remainingMs(): number {
    return Math.max(0, this.at - Date.now());
  }

  /** Brings the deadline forward; a later moment changes nothing. */
  shorten(at: number): void {
    if (at >= this.at) return;
    this.at = at;
    for (const wake of this.waiting) wake();
  }

  /** True when `promise` settles before the deadline (or before `leastMs`, if that is later); false otherwise. */
  async race(promise: Promise<unknown>, leastMs = 0): Promise<boolean> {
    const begun = Date.now();
    const settled = promise.then(
      () => true,
      () => true,
    );
    for (;;) {
      const left = Math.max(this.at, begun + leastMs) - Date.now();
      let timer: NodeJS.Timeout | undefined;
      let wake = (): void => {};
      const passed = new Promise<'timer' | 'moved'>((resolve) => {
        timer = setTimeout(() => resolve('timer'), Math.min(Math.max(left, 0), 2 ** 31 - 1));
        wake = () => resolve('moved');
      });
      this.waiting.add(wake);
      const first = await Promise.race([settled, passed]);
      clearTimeout(timer);
      this.waiting.delete(wake);
      if (first === true) return true;
      if (Math.max(this.at, begun + leastMs) <= Date.now()) return false;
    }
  }
}
