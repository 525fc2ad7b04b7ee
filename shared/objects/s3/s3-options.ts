import type { Clock, Random } from '../../runtime/context.ts';

/** Numbers of the adapter: each with its unit and where it comes from. */
export interface S3Limits {
  /** The longest silence of a server: to its first byte of an answer; a body has `slowestBytesPerMs` beside it. Also: nothing is tried again later than this. */
  readonly deadlineMs: number;
  /** A body that is slower than this (1 MB/s) counts as a silent server. */
  readonly slowestBytesPerMs: number;
  /** Requests for one call, the first one included; the waits between them double. Six of them outlive a restart of the server (about 3 to 6 s). */
  readonly tries: number;
  /** The wait before the second request; the jitter takes at most half of it. */
  readonly firstWaitMs: number;
  /** Larger bodies travel in parts. */
  readonly multipartAboveBytes: number;
  /** S3 takes parts of 5 MiB to 5 GiB, and 10,000 of them. */
  readonly partBytes: number;
  /** Parts of one object that travel side by side. */
  readonly partsAtOnce: number;
  /** An unfinished upload this old was left by a crash: nothing takes so long to write. */
  readonly leftoverAgeMs: number;
  readonly connections: number;
}

export const S3_LIMITS: S3Limits = {
  deadlineMs: 30_000,
  slowestBytesPerMs: 1_000,
  tries: 6,
  firstWaitMs: 200,
  multipartAboveBytes: 16 * 1024 * 1024,
  partBytes: 8 * 1024 * 1024,
  partsAtOnce: 4,
  leftoverAgeMs: 3_600_000,
  connections: 16,
};

/** Where the objects are and who asks. */
export interface S3Options {
  /** `http://host:port`, with a path where the server stands behind one. The bucket is the first segment of the path, never a part of the host. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Other numbers than `S3_LIMITS`. */
  readonly limits?: Partial<S3Limits>;
}
