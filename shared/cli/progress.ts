import { note } from './output.ts';

/** Shows how far something is: one line that redraws itself on a terminal, a plain line every few seconds elsewhere. Always on stderr. */
export interface Progress {
  update(done: number, total: number | null, label: string): void;
  /** Ends the line and leaves the last state on the screen. */
  end(): void;
}

const BAR_WIDTH = 28;
const PLAIN_EVERY_MS = 2_000;
const REDRAW_EVERY_MS = 100;

/** `now` is a monotonic clock in ms. */
export function createProgress(stream: NodeJS.WriteStream = process.stderr, now: () => number = () => performance.now()): Progress {
  let last = Number.NEGATIVE_INFINITY;
  let lastText = '';
  let isOpen = false;

  function draw(text: string): void {
    lastText = text;
    if (stream.isTTY) stream.write(`\r\u001b[2K${text.slice(0, Math.max(20, stream.columns - 1))}`);
    else note(text);
    isOpen = stream.isTTY;
  }

  return {
    update(done, total, label) {
      const text = renderProgress(done, total, label);
      const isDue = now() - last >= (stream.isTTY ? REDRAW_EVERY_MS : PLAIN_EVERY_MS);
      if (!isDue || text === lastText) return;
      last = now();
      draw(text);
    },
    end() {
      if (isOpen) stream.write('\n');
      isOpen = false;
      last = Number.NEGATIVE_INFINITY;
    },
  };
}

/** `[######----] 40 % label`; without a total only the label. */
export function renderProgress(done: number, total: number | null, label: string): string {
  if (total === null || total === 0) return label;
  const share = Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  return `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}] ${String(Math.floor(share * 100)).padStart(3)} %  ${label}`;
}
