/** An answer of ArangoDB that is an error: HTTP status, number and message as its list of error codes has them. */
export class Refusal extends Error {
  readonly status: number;
  readonly errorNum: number;

  constructor(status: number, errorNum: number, message: string) {
    super(message);
    this.status = status;
    this.errorNum = errorNum;
  }
}

export const badParameter = (message: string): Refusal => new Refusal(400, 400, message);
export const unknownCollection = (name: string): Refusal => new Refusal(404, 1203, `collection or view not found: ${name}`);
export const uniqueViolated = (index: string, key: string): Refusal =>
  new Refusal(409, 1210, `unique constraint violated - in index ${index}; conflicting key: ${key}`);
export const conflict = (key: string): Refusal => new Refusal(409, 1200, `conflict, _rev values do not match; key: ${key}`);
