import type { SeriesRange } from './range.ts';
import type { Origin } from './rows.ts';

/** Why the exchange itself has nothing in a hole. */
export const ABSENCE_KINDS = ['exchange-outage', 'exchange-has-none', 'no-trades', 'id-skipped', 'not-listed', 'ended'] as const;
export type AbsenceKind = (typeof ABSENCE_KINDS)[number];

/** Holes that stay open: to be fetched, refused by a check, not given by REST, or lost for good. */
export const OPEN_HOLE_KINDS = ['missing', 'refused', 'unavailable', 'lost'] as const;
export type OpenHoleKind = (typeof OPEN_HOLE_KINDS)[number];

/** How an absence was shown: `ids` where trade ids are contiguous across the hole, `two-reads` otherwise. */
export interface AbsenceEvidence {
  readonly method: string;
  readonly grade: 'ids' | 'two-reads';
  /** Row keys of the neighbours, from one answer that spans the hole. */
  readonly before_key?: string;
  readonly after_key?: string;
  /** When the two reads were asked, epoch ms by the exchange's clock. */
  readonly asked_at: readonly [number, number];
}

/** A hole that the exchange itself has, with the evidence for it. */
export interface Absence extends SeriesRange {
  readonly kind: AbsenceKind;
  readonly evidence: AbsenceEvidence;
}

/** A range whose stored rows are proven. */
export interface CoveredRange extends SeriesRange {
  readonly origin: Origin;
}

/** A hole that a fetch could not close: a refused row or history that REST does not give. */
export interface OpenHole extends SeriesRange {
  readonly kind: OpenHoleKind;
  readonly code?: string;
}

/** A hole as the ledger reports it: open, or an absence with its evidence. */
export type Hole = OpenHole | Absence;

/** What `GET /coverage/{id}` says of the range asked. */
export interface Coverage {
  readonly series: string;
  readonly from: number;
  readonly to: number;
  readonly ranges: readonly CoveredRange[];
  readonly holes: readonly Hole[];
  readonly complete: boolean;
}

/** What one verdict adds to the ledger. Additions only ever grow it. */
export interface LedgerAddition {
  readonly covered: readonly CoveredRange[];
  readonly absent: readonly Absence[];
  readonly open: readonly OpenHole[];
}

/** The ledger's document of one series and one UTC month (`2024-08`); `rev` 0 means that it is not stored yet. */
export interface LedgerMonth extends LedgerAddition {
  readonly series: string;
  readonly month: string;
  readonly rev: number;
}
