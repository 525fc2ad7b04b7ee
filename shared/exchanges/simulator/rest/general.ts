import type { SymbolMarket } from '../market.ts';
import { badCombination } from './api-error.ts';
import { type Endpoint, printTime } from './call.ts';

/** `GET ping`: an empty object. */
export const ping: Endpoint = { parameters: [], weight: () => 1, answer: () => '{}' };

/** `GET time`: `{"serverTime":1499827319559}`. */
export const time: Endpoint = {
  parameters: [],
  weight: () => 1,
  answer: (call) => JSON.stringify({ serverTime: printTime(call, call.now) }),
};

const RAW_REQUESTS_LIMIT = 300_000;

/** `GET exchangeInfo`: limits and symbols with their price and quantity steps. One unknown symbol fails the whole call. */
export const exchangeInfo: Endpoint = {
  parameters: ['symbol', 'symbols', 'permissions', 'showPermissionSets', 'symbolStatus'],
  weight: () => 20,
  answer(call) {
    const { parameters } = call;
    if (parameters.has('symbol') && parameters.has('symbols')) throw badCombination();
    if (parameters.has('symbolStatus') && (parameters.has('symbol') || parameters.has('symbols'))) throw badCombination();
    const asked = parameters.has('symbol') ? [parameters.symbol()] : (parameters.symbols() ?? parameters.everySymbol());
    const withSets = parameters.text('showPermissionSets') !== 'false';
    return JSON.stringify({
      timezone: 'UTC',
      serverTime: printTime(call, call.now),
      rateLimits: [
        { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: call.weightLimit },
        { rateLimitType: 'RAW_REQUESTS', interval: 'MINUTE', intervalNum: 5, limit: RAW_REQUESTS_LIMIT },
      ],
      exchangeFilters: [],
      symbols: asked.map((market) => describeSymbol(market, withSets)),
    });
  },
};

function describeSymbol(market: SymbolMarket, withSets: boolean): Record<string, unknown> {
  return {
    symbol: market.symbol,
    status: market.status,
    baseAsset: market.baseAsset,
    baseAssetPrecision: 8,
    quoteAsset: market.quoteAsset,
    quotePrecision: 8,
    quoteAssetPrecision: 8,
    baseCommissionPrecision: 8,
    quoteCommissionPrecision: 8,
    orderTypes: ['LIMIT', 'LIMIT_MAKER', 'MARKET', 'STOP_LOSS', 'STOP_LOSS_LIMIT', 'TAKE_PROFIT', 'TAKE_PROFIT_LIMIT'],
    icebergAllowed: true,
    ocoAllowed: true,
    otoAllowed: true,
    opoAllowed: true,
    quoteOrderQtyMarketAllowed: true,
    allowTrailingStop: true,
    cancelReplaceAllowed: true,
    amendAllowed: true,
    pegInstructionsAllowed: true,
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: true,
    filters: [
      { filterType: 'PRICE_FILTER', minPrice: market.tickSize, maxPrice: '1000000.00000000', tickSize: market.tickSize },
      { filterType: 'LOT_SIZE', minQty: market.stepSize, maxQty: '9000000000.00000000', stepSize: market.stepSize },
      {
        filterType: 'NOTIONAL',
        minNotional: '5.00000000',
        applyMinToMarket: true,
        maxNotional: '9000000.00000000',
        applyMaxToMarket: false,
        avgPriceMins: 5,
      },
    ],
    permissions: [],
    permissionSets: withSets ? [['SPOT', 'MARGIN']] : [],
    defaultSelfTradePreventionMode: 'EXPIRE_MAKER',
    allowedSelfTradePreventionModes: ['EXPIRE_TAKER', 'EXPIRE_MAKER', 'EXPIRE_BOTH', 'DECREMENT'],
  };
}
