import { describe } from 'node:test';
import { describeWorkflowStore } from '../../conformance/workflow-store.ts';
import { doublePlace, serverPlace } from '../../support/arango-places.ts';

describeWorkflowStore(doublePlace);
if (serverPlace !== undefined) {
  const factory = serverPlace;
  describe('on the server of ARANGO_URL', () => describeWorkflowStore(factory));
}
