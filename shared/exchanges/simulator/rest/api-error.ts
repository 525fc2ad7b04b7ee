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

export const illegalCharacters = (name: string, legal: string): ApiError =>
  new ApiError(-1100, `Illegal characters found in parameter '${name}'; legal range is '${legal}'.`);
export const duplicateParameter = (): ApiError => new ApiError(-1101, 'Duplicate values for a parameter detected.');
export const tooManyParameters = (expected: number, received: number): ApiError =>
  new ApiError(-1101, `Too many parameters; expected '${expected}' and received '${received}'.`);
export const missingParameter = (name: string): ApiError =>
  new ApiError(-1102, `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`);
export const unreadParameters = (read: number, sent: number): ApiError =>
  new ApiError(-1104, `Not all sent parameters were read; read '${read}' parameter(s) but was sent '${sent}'.`);
export const emptyParameter = (name: string): ApiError => new ApiError(-1105, `Parameter '${name}' was empty.`);
export const invalidInterval = (): ApiError => new ApiError(-1120, 'Invalid interval.');
export const invalidSymbol = (): ApiError => new ApiError(-1121, 'Invalid symbol.');
export const invalidSymbolStatus = (): ApiError => new ApiError(-1122, 'Invalid symbolStatus.');
export const statusMismatch = (): ApiError => new ApiError(-1220, "The symbol's status does not match the requested symbolStatus.");
export const badCombination = (): ApiError => new ApiError(-1128, 'Combination of optional parameters invalid.');
export const invalidValue = (name: string): ApiError => new ApiError(-1130, `Data sent for parameter '${name}' is not valid.`);
