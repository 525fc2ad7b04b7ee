import { describe } from 'node:test';
import { describeMarketStore } from '../../conformance/market-store.ts';
import { doublePlace, serverPlace } from '../../support/arango-places.ts';

describeMarketStore(doublePlace);
if (serverPlace !== undefined) {
  const factory = serverPlace;
  describe('on the server of ARANGO_URL', () => describeMarketStore(factory));
}
