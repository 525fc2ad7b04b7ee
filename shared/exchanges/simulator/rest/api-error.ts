/** A refusal in the exchange's own words (binance-spot-api-docs `errors.md`, 2026-07-21): `{"code":-1121,"msg":"Invalid symbol."}`. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: number;

  constructor(code: number, message: string, status = 400) {
    super(message);
    this.status = status;
    this.code = code;
  }

  body(): string {
    return JSON.stringify({ code: this.code, msg: this.message });
  }
}

/** -1100: a value outside the legal characters. */
export const illegalCharacters = (name: string, legal: string): ApiError =>
  new ApiError(-1100, `Illegal characters found in parameter '${name}'; legal range is '${legal}'.`);
/** -1101: a parameter sent twice. */
export const duplicateParameter = (): ApiError => new ApiError(-1101, 'Duplicate values for a parameter detected.');
/** -1101: parameters for an endpoint that has none. */
export const tooManyParameters = (expected: number, received: number): ApiError =>
  new ApiError(-1101, `Too many parameters; expected '${expected}' and received '${received}'.`);
/** -1102: a mandatory parameter is missing. */
export const missingParameter = (name: string): ApiError =>
  new ApiError(-1102, `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`);
/** -1104: a parameter that the endpoint does not read. */
export const unreadParameters = (read: number, sent: number): ApiError =>
  new ApiError(-1104, `Not all sent parameters were read; read '${read}' parameter(s) but was sent '${sent}'.`);
/** -1105: a parameter without a value. */
export const emptyParameter = (name: string): ApiError => new ApiError(-1105, `Parameter '${name}' was empty.`);
/** -1120: no interval of candles. */
export const invalidInterval = (): ApiError => new ApiError(-1120, 'Invalid interval.');
/** -1121: a symbol that is not traded here. */
export const invalidSymbol = (): ApiError => new ApiError(-1121, 'Invalid symbol.');
/** -1122: no status of symbols. */
export const invalidSymbolStatus = (): ApiError => new ApiError(-1122, 'Invalid symbolStatus.');
/** -1220: the symbol has another status. */
export const statusMismatch = (): ApiError => new ApiError(-1220, "The symbol's status does not match the requested symbolStatus.");
/** -1128: parameters that exclude each other. */
export const badCombination = (): ApiError => new ApiError(-1128, 'Combination of optional parameters invalid.');
/** -1130: a value out of range. */
export const invalidValue = (name: string): ApiError => new ApiError(-1130, `Data sent for parameter '${name}' is not valid.`);
