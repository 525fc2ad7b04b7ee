import { describe } from 'node:test';
import { describeGraphStore } from '../../conformance/graph-store.ts';
import { doublePlace, serverPlace } from '../../support/arango-places.ts';

describeGraphStore(doublePlace);
if (serverPlace !== undefined) {
  const factory = serverPlace;
  describe('on the server of ARANGO_URL', () => describeGraphStore(factory));
}
