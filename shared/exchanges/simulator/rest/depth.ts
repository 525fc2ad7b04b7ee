import type { Endpoint } from './call.ts';

const DEFAULT_LIMIT = 100;
const MOST_LEVELS = 5_000;

/** Bids descend, asks ascend; fewer levels than asked for where the book is thinner. The body has neither symbol nor time. */
export const depth: Endpoint = {
  parameters: ['symbol', 'limit', 'symbolStatus'],
  weight(query) {
    const limit = query.has('limit') ? Number(query.get('limit')) : DEFAULT_LIMIT;
    return limit <= 100 ? 5 : limit <= 500 ? 25 : limit <= 1_000 ? 50 : 250;
  },
  answer(call) {
    const market = call.parameters.symbol();
    const limit = call.parameters.limit(DEFAULT_LIMIT, MOST_LEVELS);
    return JSON.stringify(market.book(call.now, limit));
  },
};
