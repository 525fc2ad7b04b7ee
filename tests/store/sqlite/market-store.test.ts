import { describeMarketStore } from '../../conformance/market-store.ts';
import { sqlitePlace } from '../../support/places.ts';

describeMarketStore(sqlitePlace);
