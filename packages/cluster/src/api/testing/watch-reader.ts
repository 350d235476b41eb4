import type { IncomingMessage } from 'node:http';

/** Waits until something holds; fails after 20 s. */
export const until = async (holds: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('it has not come true within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** A watch being read. */
export class WatchReader {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into events of every shape.
  readonly events: any[] = [];
  readonly status: number;
  ended = false;
  readonly #response: IncomingMessage;

  constructor(response: IncomingMessage) {
    this.#response = response;
    this.status = response.statusCode ?? 0;
    let rest = '';
    response.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.events.push(JSON.parse(line));
    });
    response.on('close', () => {
      this.ended = true;
    });
    response.on('error', () => undefined);
  }

  /** `TYPE name` of every event so far. */
  get summary(): string[] {
    return this.events.map(({ type, object }) => `${type} ${object.metadata?.name ?? ''}`.trim());
  }

  until(holds: (reader: WatchReader) => boolean): Promise<void> {
    return until(async () => holds(this));
  }

  pause(): void {
    this.#response.pause();
  }

  resume(): void {
    this.#response.resume();
  }

  close(): void {
    this.#response.destroy();
  }
}
