import { describeObjectStore } from '../../conformance/object-store.ts';
import { folderPlace } from '../../support/places.ts';

describeObjectStore(folderPlace);
