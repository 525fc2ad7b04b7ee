import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../domain/errors.ts';

const JSON_BODY = /^application\/(json|[\w.+-]+\+json)\s*(;\s*charset\s*=\s*"?utf-?8"?\s*)?$/i;

/**
 * Reads a body whole. Throws `payload_too_large` above `maxBytes` (at once where `Content-Length` says so) and leaves the rest of it to be read over, so
 * that the caller gets the answer; `invalid_request` where the caller went away before the end.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = (): AppError => {
    request.resume();
    return new AppError('payload_too_large', `The body is larger than ${maxBytes} bytes.`, { limit_bytes: maxBytes });
  };
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    request.resume();
    throw unsupported('content-encoding', encoding, 'identity');
  }
  return await new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes <= maxBytes) chunks.push(chunk);
      else {
        chunks.length = 0;
        request.removeAllListeners('data');
        reject(tooLarge());
      }
    });
    request.on('end', () => resolve(Buffer.concat(chunks, Math.min(bytes, maxBytes))));
    request.on('error', (error) => reject(new AppError('invalid_request', 'The body ended before its end.', {}, error)));
  });
}

/** Parses a JSON body; undefined for none. Throws `unsupported_media_type` for another type, `invalid_request` for what is not JSON in UTF-8. */
export function parseBody(bytes: Buffer, contentType: string | undefined): unknown {
  if (contentType !== undefined && !JSON_BODY.test(contentType.trim())) throw unsupported('content-type', contentType, 'application/json');
  if (bytes.byteLength === 0) return undefined;
  if (contentType === undefined) throw unsupported('content-type', 'none', 'application/json');
  if (!isUtf8(bytes)) throw notJson('is not UTF-8');
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw notJson('is not JSON', error);
  }
}

function unsupported(path: string, given: string, allowed: string): AppError {
  return new AppError(
    'unsupported_media_type',
    `The ${path} ${JSON.stringify(given.slice(0, 100))} is not read here; allowed: ${allowed}.`,
    {
      fields: [{ path, problem: 'is not supported', allowed }],
    },
  );
}

function notJson(problem: string, cause?: unknown): AppError {
  return new AppError('invalid_request', `The body ${problem}.`, { fields: [{ path: '', problem, allowed: 'JSON in UTF-8' }] }, cause);
}
