import { describeWorkflowStore } from '../../conformance/workflow-store.ts';
import { sqlitePlace } from '../../support/places.ts';

describeWorkflowStore(sqlitePlace);
