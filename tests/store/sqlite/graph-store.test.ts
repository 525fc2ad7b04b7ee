import { describeGraphStore } from '../../conformance/graph-store.ts';
import { sqlitePlace } from '../../support/places.ts';

describeGraphStore(sqlitePlace);
