import { AppError } from '../domain/errors.ts';

/** How an event travels: attributes beside the data, around it, or many together. */
export type ContentMode = 'binary' | 'structured' | 'batched';

export const JSON_TYPE = 'application/json';
export const STRUCTURED_TYPE = 'application/cloudevents+json';
export const BATCHED_TYPE = 'application/cloudevents-batch+json';

function essenceOf(contentType: string): { essence: string; charset: string } {
  const [essence = '', ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length) ?? 'utf-8';
  return { essence, charset: charset.replaceAll('"', '') };
}

/**
 * The content mode that a content type asks for: by the prefix `application/cloudevents`, whatever its case; anything else is binary.
 * Throws `unsupported_media_type` for data that is not JSON in UTF-8, or an event format other than JSON.
 */
export function contentMode(contentType: string | undefined): ContentMode {
  const { essence, charset } = essenceOf(contentType ?? '');
  const isJson = essence === JSON_TYPE || (essence.endsWith('+json') && !essence.startsWith('application/cloudevents'));
  const mode = essence === STRUCTURED_TYPE ? 'structured' : essence === BATCHED_TYPE ? 'batched' : isJson ? 'binary' : undefined;
  if (mode !== undefined && (charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii')) return mode;
  const allowed = [JSON_TYPE, STRUCTURED_TYPE, BATCHED_TYPE].join(', ');
  throw new AppError(
    'unsupported_media_type',
    `The content type ${JSON.stringify(contentType ?? '')} is not read here; allowed: ${allowed}.`,
    {
      fields: [{ path: 'content-type', problem: contentType === undefined ? 'is missing' : 'is not supported', allowed }],
    },
  );
}
