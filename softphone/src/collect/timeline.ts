/** What held when: a state that changes a few times in a call, asked for by the instant of each second. */
export class Timeline<T> {
  readonly #changes: { at: number; value: T }[] = [];

  set(at: number, value: T): void {
    if (this.#changes.at(-1)?.value !== value) this.#changes.push({ at, value });
  }

  /** The value at an instant; before the first change nobody knows it. */
  at(at: number): T | undefined {
    return this.#changes.findLast((change) => change.at <= at)?.value;
  }
}
