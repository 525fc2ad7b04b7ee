/** One request as `GET /_sim/requests` shows it. Wall-clock times in epoch ms, because what calls is judged by its own clock. */
export interface JournalEntry {
  /** Counted from 1 in order of arrival. */
  readonly id: number;
  readonly started_at: number;
  /** `null` while the answer is not over. */
  ended_at: number | null;
  /** The connection went away before the whole answer was sent, by either side. */
  aborted: boolean;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** `null` until there is an answer. */
  status: number | null;
  weight: number;
  /** `do` of the fault that was served, if one was. */
  fault: string | null;
}

/** Requests kept: the oldest go first. */
const MOST_ENTRIES = 100_000;

/** What was asked of the exchange, and what became of it. */
export class Journal {
  #entries: JournalEntry[] = [];
  #count = 0;

  begin(method: string, path: string, query: URLSearchParams): JournalEntry {
    this.#count += 1;
    const entry: JournalEntry = {
      id: this.#count,
      started_at: Date.now(),
      ended_at: null,
      aborted: false,
      method,
      path,
      query: Object.fromEntries(query),
      status: null,
      weight: 0,
      fault: null,
    };
    this.#entries.push(entry);
    if (this.#entries.length > MOST_ENTRIES * 1.25) this.#entries = this.#entries.slice(-MOST_ENTRIES);
    return entry;
  }

  end(entry: JournalEntry, aborted: boolean): void {
    if (entry.ended_at !== null) return;
    entry.ended_at = Date.now();
    entry.aborted = aborted;
  }

  /** Entries with an id above `since`, oldest first. */
  after(since: number): readonly JournalEntry[] {
    return since <= 0 ? this.#entries : this.#entries.filter((entry) => entry.id > since);
  }
}
