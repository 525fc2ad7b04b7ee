import type { Absence } from '../coverage.ts';
import { hasIds } from '../range.ts';
import type { AbsenceSummary } from './state.ts';

/** The most absences that are listed; the ledger has every one. */
export const MAX_LISTED = 40;

type Listed = AbsenceSummary['listed'][number];

export const NO_ABSENCES: AbsenceSummary = { listed: [], more: 0 };

/** Joins what a verdict found into the summary: the same hole twice is one, a hole that a shard's edge cut in two is one again. */
export function addAbsences(summary: AbsenceSummary, series: string, found: readonly Absence[]): AbsenceSummary {
  if (found.length === 0) return summary;
  const listed = [...summary.listed];
  let more = summary.more;
  for (const absence of found) {
    const added: Listed = { ...absence, series };
    const at = listed.findIndex((other) => isSameHole(other, added));
    const other = listed[at];
    if (other !== undefined) listed[at] = join(other, added);
    else if (listed.length < MAX_LISTED) listed.push(added);
    else more += 1;
  }
  listed.sort((a, b) => (a.series < b.series ? -1 : a.series > b.series ? 1 : a.from - b.from));
  return { listed, more };
}

/** Rows with ids that are skipped are one hole where the ids touch; others where the times do. */
function isSameHole(a: Listed, b: Listed): boolean {
  if (a.series !== b.series || a.kind !== b.kind || a.evidence.grade !== b.evidence.grade) return false;
  if (hasIds(a) && hasIds(b)) return a.from_id <= b.to_id + 1 && b.from_id <= a.to_id + 1 && a.from <= b.to && b.from <= a.to;
  return !hasIds(a) && !hasIds(b) && a.from <= b.to && b.from <= a.to;
}

function join(a: Listed, b: Listed): Listed {
  const [first, last] = a.from <= b.from ? [a, b] : [b, a];
  const end = a.to >= b.to ? a : b;
  const ids = hasIds(a) && hasIds(b) ? { from_id: Math.min(a.from_id, b.from_id), to_id: Math.max(a.to_id, b.to_id) } : {};
  return {
    ...first,
    ...ids,
    to: Math.max(a.to, b.to),
    evidence: {
      ...first.evidence,
      ...(end.evidence.after_key === undefined ? {} : { after_key: end.evidence.after_key }),
      asked_at: [
        Math.min(a.evidence.asked_at[0], b.evidence.asked_at[0]),
        Math.max(a.evidence.asked_at[1], last.evidence.asked_at[1], first.evidence.asked_at[1]),
      ],
    },
  };
}
