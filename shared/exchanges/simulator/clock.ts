/** The simulator's own time: it starts anywhere and runs at any speed (0 stands still). Times in epoch ms. */
export class SimulatorClock {
  #base: number;
  #since: number;
  #speed: number;

  constructor(now: number, speed: number) {
    this.#base = now;
    this.#since = performance.now();
    this.#speed = speed;
  }

  now(): number {
    return Math.floor(this.#base + (performance.now() - this.#since) * this.#speed);
  }

  get speed(): number {
    return this.#speed;
  }

  /** Sets the time, the speed, or both; what is left out goes on as it was. */
  set(change: { readonly now?: number; readonly speed?: number }): void {
    this.#base = change.now ?? this.#base + (performance.now() - this.#since) * this.#speed;
    this.#since = performance.now();
    this.#speed = change.speed ?? this.#speed;
  }

  /** Milliseconds that a caller outside has to wait until this clock has moved on by `ms`; on a clock that stands still, `ms` itself. */
  wallMs(ms: number): number {
    return this.#speed > 0 ? ms / this.#speed : ms;
  }
}
