import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { prepareDistribution } from './distribution.ts';

const SOURCE = fileURLToPath(new URL('OtherClient.java', import.meta.url));

/** A record as Kafka's own Java client sees it. */
export interface ForeignRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads a topic from its begin to its end with Kafka's own client. */
export async function readElsewhere(bootstrap: string, topic: string): Promise<readonly ForeignRecord[]> {
  const lines = (await run('read', bootstrap, topic)).split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [partition = '', offset = '', key = '', value = '', ...headers] = line.split(' ');
    const named = headers.map((header) => [header.slice(0, header.indexOf('=')), decode(header.slice(header.indexOf('=') + 1))]);
    return {
      partition: Number(partition),
      offset: Number(offset),
      key: decode(key),
      value: decode(value),
      headers: Object.fromEntries(named),
    };
  });
}

/** Writes a record with Kafka's own client, which also chooses its partition; resolves with that. */
export async function writeElsewhere(
  bootstrap: string,
  topic: string,
  { key, value, headers }: Pick<ForeignRecord, 'key' | 'value' | 'headers'>,
): Promise<number> {
  const named = Object.entries(headers).map(([name, text]) => `${name}=${encode(text)}`);
  return Number(await run('write', bootstrap, topic, encode(key), encode(value), ...named));
}

async function run(...args: readonly string[]): Promise<string> {
  const { classPath } = await prepareDistribution();
  const flags = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', classPath];
  const { stdout } = await promisify(execFile)('java', [...flags, SOURCE, ...args]);
  return stdout;
}

function decode(text: string): string {
  return text === '-' ? '' : Buffer.from(text.slice(1), 'base64').toString();
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}
