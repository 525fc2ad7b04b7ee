/** One read made by one caller for all who want the same just then. */
export class SharedRead {
  #reading: Promise<void> | undefined;

  /**
   * Runs `read`, or waits for the one that runs. Rejects with the own read's error only: where another caller's read fails, by its own signal perhaps,
   * this resolves and the caller looks again. Rejects with the reason of `signal`.
   */
  async join(read: () => Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
    if (this.#reading !== undefined) {
      await settledOrAborted(this.#reading, signal);
      return;
    }
    this.#reading = read().then(
      () => this.#end(),
      (error: unknown) => {
        this.#end();
        throw error;
      },
    );
    await this.#reading;
  }

  #end(): void {
    this.#reading = undefined;
  }
}

async function settledOrAborted(work: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stop = (): void => reject(signal?.reason);
  signal?.addEventListener('abort', stop, { once: true });
  work.then(
    () => resolve(),
    () => resolve(),
  );
  try {
    await promise;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
