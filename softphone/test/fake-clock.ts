import type { Clock } from "../src/clock";

/** A clock that stands still until it is moved. */
export class FakeClock implements Clock {
  #elapsed = 0;
  #timers: { at: number; run: () => void }[] = [];

  constructor(private wall = Date.parse("2026-11-25T09:00:00Z")) {}

  now(): number {
    return this.wall + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(millis: number, run: () => void): () => void {
    const timer = { at: this.#elapsed + millis, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Somebody corrects the system's clock. */
  jump(millis: number): void {
    this.wall += millis;
  }

  /** Lets time pass, timer by timer, with all that follows from each. */
  async pass(millis: number): Promise<void> {
    const end = this.#elapsed + millis;
    await settle();
    for (;;) {
      const next = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#elapsed = Math.max(this.#elapsed, next.at);
      next.run();
      await settle();
    }
    this.#elapsed = end;
  }
}

/** Lets everything happen that waits for no time. IndexedDB's fake takes several turns of the event loop. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await new Promise((resolve) => setImmediate(resolve));
}
