/** A fault as the simulator's `POST /_sim/faults` takes it (`contracts`: The simulator). */
export interface DemoFault {
  readonly kind: string;
  readonly fault: Readonly<Record<string, unknown>>;
}

const KLINES = '/api/v3/klines';
const AGG_TRADES = '/api/v3/aggTrades';

/** What the exchange does to us during the demo: each kind must be served at least once, or the demo has shown nothing. */
export function demoFaults(withTrades: boolean): readonly DemoFault[] {
  const pages = withTrades ? AGG_TRADES : KLINES;
  return [
    {
      kind: '429 with Retry-After: 2',
      fault: { on: 'rest', match: { path: KLINES, nth: 20 }, do: 'status', status: 429, headers: { 'Retry-After': '2' } },
    },
    {
      kind: 'connection reset in the middle of a page',
      fault: { on: 'rest', match: { path: KLINES }, times: 2, do: 'reset', after_bytes: 20_000 },
    },
    { kind: 'truncated page', fault: { on: 'rest', match: { path: KLINES, nth: 7 }, do: 'truncate', after_bytes: 30_000 } },
    { kind: 'page with rows left out', fault: { on: 'rest', match: { path: KLINES, nth: 12 }, do: 'drop', rows: [100, 130] } },
    { kind: 'page served twice', fault: { on: 'rest', match: { path: pages, nth: withTrades ? 40 : 16 }, do: 'duplicate' } },
    { kind: '503', fault: { on: 'rest', match: { path: pages, nth: withTrades ? 60 : 24 }, times: 2, do: 'status', status: 503 } },
  ];
}

/** How often each kind was served. */
export interface ServedFault {
  readonly kind: string;
  readonly served: number;
}

/** Sets the faults, and returns how to ask later how often each was served. */
export async function setFaults(simulator: string, faults: readonly DemoFault[]): Promise<() => Promise<readonly ServedFault[]>> {
  const response = await fetch(`${simulator}/_sim/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(faults.map(({ fault }) => fault)),
  });
  if (!response.ok) throw new Error(`The simulator refused the faults: ${await response.text()}`);
  return async () => {
    const listed = (await (await fetch(`${simulator}/_sim/faults`)).json()) as readonly { served: number }[];
    return faults.map(({ kind }, index) => ({ kind, served: listed[index]?.served ?? 0 }));
  };
}
