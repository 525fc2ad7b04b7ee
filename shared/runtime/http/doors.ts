import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../../domain/errors.ts';
import { HttpRefusal } from './problem.ts';

/** Who may come in. */
export interface Doors {
  /** Throws 403 for a foreign `Host` or `Origin`. */
  checkCaller(headers: IncomingHttpHeaders): void;
  /** Throws 401 without the right bearer token, where one is asked for. */
  checkToken(headers: IncomingHttpHeaders): void;
}

const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;

/** True for an address that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === '127.0.0.1' || host === '::1' || host === 'localhost';
}

/**
 * The doors of a server that listens on `host` (contracts, Doors). On a loopback address a page of another site must not reach us through the reader's
 * browser: by a name that it points here (`Host`), or by a request of its own (`Origin`). On any other address a token is needed.
 * Throws `missing_setting` where there is none.
 */
export function createDoors(host: string, apiToken: string | undefined): Doors {
  const local = isLoopback(host);
  if (!local && apiToken === undefined) {
    throw new AppError(
      'missing_setting',
      `Listening on ${host} needs an API token: set API_TOKEN_FILE to a file with one of 16 characters or more, or listen on 127.0.0.1.`,
      { fields: [{ path: 'API_TOKEN_FILE', problem: 'is missing' }] },
    );
  }
  const expected = apiToken === undefined ? undefined : digest(apiToken);
  return {
    checkCaller({ host: name = '', origin }) {
      if (!local) return;
      const asked = name.toLowerCase();
      if (!LOOPBACK.test(asked)) throw forbidden(`the Host ${JSON.stringify(name.slice(0, 100))}`, 'localhost, 127.0.0.1 or [::1]');
      if (origin !== undefined && origin.toLowerCase() !== `http://${asked}`) {
        throw forbidden(`the Origin ${JSON.stringify(origin.slice(0, 100))}`, `http://${asked}`);
      }
    },
    checkToken({ authorization = '' }) {
      if (expected === undefined) return;
      const given = /^bearer +(\S+)$/i.exec(authorization)?.[1];
      // Digests have one length: the comparison takes as long for every token.
      if (given !== undefined && timingSafeEqual(digest(given), expected)) return;
      const error = new AppError('invalid_request', 'This call needs the API token as "Authorization: Bearer <token>".');
      throw new HttpRefusal(401, error, { 'www-authenticate': 'Bearer realm="streamforge"' });
    },
  };
}

function forbidden(what: string, allowed: string): HttpRefusal {
  return new HttpRefusal(403, new AppError('invalid_request', `Requests with ${what} are refused; allowed: ${allowed}.`));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
