/** Half-open range of time `[from, to)` in epoch milliseconds, UTC. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

/**
 * A range of one series. Where rows have integer ids, `from_id` and `to_id` are the first and the last id inside, both inclusive;
 * a range without a row in it has `to_id = from_id - 1`.
 */
export interface SeriesRange extends TimeRange {
  readonly from_id?: number;
  readonly to_id?: number;
}
