import { describe } from 'node:test';
import { describeSharedBudget } from '../../conformance/shared-budget.ts';
import { doublePlace, serverPlace } from '../../support/arango-places.ts';

describe('over the double of ArangoDB', () => describeSharedBudget(doublePlace));
if (serverPlace !== undefined) {
  const factory = serverPlace;
  describe('on the server of ARANGO_URL', () => describeSharedBudget(factory));
}
