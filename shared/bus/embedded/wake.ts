/**
 * Wakes one waiter, without polling: `while (!condition) await wake.wait()`. Whoever changes the condition calls `wake()`. Nothing is lost between
 * the look and the wait, as both happen in one turn.
 */
export class Wake {
  #waiting: PromiseWithResolvers<void> | undefined;

  wait(): Promise<void> {
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
