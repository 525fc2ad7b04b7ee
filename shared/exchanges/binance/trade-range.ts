import type { Absence } from '../../domain/coverage.ts';
import { AppError } from '../../domain/errors.ts';
import type { SeriesRange } from '../../domain/range.ts';
import type { CallOptions, HistoryRequest, HistorySummary } from '../exchange.ts';
import type { IdPage, IdSpace, Mark } from './id-space.ts';
import type { IdEntry } from './map-trades.ts';
import type { Reader } from './reader.ts';
import type { RestClient } from './rest-client.ts';
import { endedAbsence, headHole } from './trade-holes.ts';
import type { TradeStart } from './trade-start.ts';

/** How long a read waits for the exchange's clock to reach the end of its range; a range that ends later is refused. */
const MOST_AHEAD_MS = 60_000;

/** What was found so far; becomes the summary. */
export interface Findings {
  rows: number;
  readonly refused: HistorySummary['refused'][number][];
  readonly unavailable: SeriesRange[];
  readonly absent: Absence[];
}

/** Where the walk begins, once it is known what stands at `from`; `ended` where no row can be in the range. */
export async function openRange(
  reader: Reader,
  space: IdSpace,
  start: TradeStart,
  request: HistoryRequest,
  found: Findings,
  call: CallOptions,
): Promise<{ firstId: number; due: number; before: Mark | undefined; page: IdPage | undefined; ended: boolean }> {
  const nowhere = { before: undefined, page: undefined, ended: true };
  switch (start.kind) {
    case 'found': {
      const id = start.page.entries[0]?.id as number;
      return { firstId: id, due: id, before: start.before, page: start.page, ended: false };
    }
    case 'head': {
      const first = start.page.entries[0] as IdEntry;
      if (first.time <= request.from) return { firstId: first.id, due: first.id, before: undefined, page: start.page, ended: false };
      // The id before the first one stands for the hole: its true first id is not known.
      const hole = { from_id: first.id - 1, to_id: first.id - 1, first, asked_at: start.asked_at };
      await headHole(reader.client, space, hole, request, found, call);
      return { firstId: first.id - 1, due: first.id, before: undefined, page: start.page, ended: first.time >= request.to };
    }
    case 'behind': {
      const id = start.newest.id + 1;
      await closeTail(reader, space, start.newest, request, found, call);
      return { firstId: id, due: id, ...nowhere };
    }
    case 'empty':
      await headHole(reader.client, space, { from_id: -1, to_id: -1, first: undefined, asked_at: undefined }, request, found, call);
      return { firstId: -1, due: 0, ...nowhere };
    default:
      return start satisfies never;
  }
}

/** Nothing at or after the range's end exists yet: the newest row decides, and says `ended` where the symbol is no longer traded. */
export async function closeTail(
  { client, symbols }: Reader,
  space: IdSpace,
  newest: Mark | undefined,
  request: HistoryRequest,
  found: Findings,
  call: CallOptions,
): Promise<void> {
  if (newest === undefined || newest.time >= request.to || (await symbols.isTraded(space.series.symbol, call))) return;
  const absence = await endedAbsence(client, space, newest, request, call);
  if (absence !== undefined) found.absent.push(absence);
}

/**
 * Waits until the exchange's clock has reached `to`, so that what is read afterwards is final. Throws `invalid_request` where that is more than a minute away.
 */
export async function waitForExchange(client: RestClient, to: number, call: CallOptions): Promise<void> {
  for (;;) {
    const ahead = to - (await client.observedTime(to - 1, call));
    if (ahead <= 0) return;
    if (ahead > MOST_AHEAD_MS)
      throw new AppError(
        'invalid_request',
        `The range ends ${Math.ceil(ahead / 1000)} s in the exchange's future: ${new Date(to).toISOString()}.`,
        { to },
      );
    await client.sleep(ahead, call.signal);
  }
}
