import { describe } from 'node:test';
import { describeModelStore } from '../../conformance/model-store.ts';
import { doublePlace, serverPlace } from '../../support/arango-places.ts';

describeModelStore(doublePlace);
if (serverPlace !== undefined) {
  const factory = serverPlace;
  describe('on the server of ARANGO_URL', () => describeModelStore(factory));
}
