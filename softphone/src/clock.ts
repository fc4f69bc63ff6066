/** Time as the rest sees it, so that tests have one of their own. */
export interface Clock {
  /** Milliseconds since 1970 by the system's clock, which people and NTP move. */
  now(): number;
  /** Milliseconds that nobody moves: for ages and intervals. */
  monotonic(): number;
  /** Runs once after so many milliseconds; the result calls it off. */
  after(millis: number, run: () => void): () => void;
}

export const browserClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(millis, run) {
    const timer = setTimeout(run, millis);
    return () => {
      clearTimeout(timer);
    };
  },
};

/** Runs again and again, first after one interval. */
export function every(clock: Clock, millis: number, run: () => void): () => void {
  let stop = clock.after(millis, tick);
  function tick(): void {
    stop = clock.after(millis, tick);
    run();
  }
  return () => {
    stop();
  };
}

export const wait = (clock: Clock, millis: number): Promise<void> =>
  new Promise((resolve) => {
    clock.after(millis, resolve);
  });
