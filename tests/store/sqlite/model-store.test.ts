import { describeModelStore } from '../../conformance/model-store.ts';
import { sqlitePlace } from '../../support/places.ts';

describeModelStore(sqlitePlace);
