import { type Command, InvalidArgumentError } from 'commander';
import { readEvents } from './client.ts';
import { FUNCTIONS } from './functions.ts';
import { isOnKafka, READERS, withKafka } from './kafka-log.ts';
import { EXIT, formatCount, print, printResult, table } from './output.ts';
import { hostClient } from './settings.ts';

interface TopicView {
  readonly name: string;
  readonly partitions: number;
  readonly records: number;
}

interface LagView {
  readonly group: string;
  readonly topic: string;
  readonly lag: number;
}

interface LetterView {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly group: string;
  readonly code: string;
  readonly cause: string;
  readonly row?: number;
  readonly replayed: boolean;
}

interface PingReport {
  readonly sent: number;
  readonly answered: number;
  readonly round_trip_ms: {
    readonly min: number;
    readonly p50: number;
    readonly p90: number;
    readonly p99: number;
    readonly max: number;
  } | null;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return value;
}

/** `topics create|list|lag`, `tail`, `ping`, `dlq list|replay`: the log, as Kafka or a running host shows it. */
export function addBusCommands(program: Command): void {
  const json = (): { json: boolean } => ({ json: program.opts<{ json?: boolean }>().json === true });
  const topics = program.command('topics').description('topics of the log and how far their readers are');

  topics
    .command('create')
    .description('create the topics of the platform on Kafka; one with another partition count is refused, never altered')
    .option('--grant', 'also let a user of each function name read and write what the function declares, and nothing else')
    .action(async (options: { grant?: boolean }) => {
      const [{ TOPICS }, { accessRights }] = await Promise.all([import('../events/topics.ts'), import('../runtime/access-rights.ts')]);
      const grants =
        options.grant === true ? accessRights(FUNCTIONS).map(({ principal, ...right }) => ({ user: principal, ...right })) : [];
      await withKafka(async ({ admin }) => {
        await admin.ensureTopics(TOPICS);
        if (grants.length > 0) await admin.grant(grants);
      });
      const said = `${TOPICS.length} topics are there${grants.length === 0 ? '' : `, and ${grants.length} rights of ${FUNCTIONS.length} functions`}.`;
      printResult({ topics: TOPICS.map(({ name }) => name), grants }, () => said, json());
    });

  topics
    .command('list')
    .description('every topic with its partitions and records')
    .action(async () => {
      const answer = isOnKafka() ? await kafkaTopics() : await hostClient().get<{ topics: readonly TopicView[] }>('/bus/topics');
      printResult(
        answer,
        (view) =>
          table(
            ['topic', 'partitions', 'records'],
            view.topics.map((topic) => [topic.name, topic.partitions, topic.records]),
          ),
        json(),
      );
    });

  topics
    .command('lag')
    .description('records that each consumer group has not committed yet; exit 1 while there are any')
    .action(async () => {
      const { lags } = isOnKafka() ? await kafkaLags() : await hostClient().get<{ lags: readonly LagView[] }>('/bus/topics');
      printResult(
        { lags },
        () =>
          table(
            ['group', 'topic', 'lag'],
            lags.map((entry) => [entry.group, entry.topic, entry.lag]),
          ),
        json(),
      );
      if (lags.some((entry) => entry.lag > 0)) process.exitCode = EXIT.failed;
    });

  program
    .command('tail <topic>')
    .description('records of a topic as they come, one JSON line each; ends with Ctrl-C')
    .option('--from <where>', 'earliest or latest', 'latest')
    .action(async (topic: string, options: { from: string }) => {
      const path = `/bus/topics/${encodeURIComponent(topic)}/tail?from=${encodeURIComponent(options.from)}`;
      for await (const event of readEvents(await hostClient().stream(path))) print(event.data);
    });

  program
    .command('ping')
    .description('send pings through the log and report the round trips as percentiles')
    .option('--target <name>', 'who answers', 'dummy-service')
    .option('--repeat <count>', 'how many', count, 10)
    .action(async (options: { target: string; repeat: number }) => {
      const report = await hostClient().post<PingReport>('/bus/ping', { target: options.target, repeat: options.repeat });
      printResult(report, renderPing, json());
      if (report.answered < report.sent) process.exitCode = EXIT.failed;
    });

  const dlq = program.command('dlq').description('dead letters: what could not be handled, with cause and origin');
  dlq
    .command('list <topic>')
    .description("dead letters of a topic (the origin's name)")
    .action(async (topic: string) => {
      const answer = await hostClient().get<{ letters: readonly LetterView[] }>(`/bus/dlq/${encodeURIComponent(topic)}`);
      printResult(answer, ({ letters }) => (letters.length === 0 ? `No dead letters of ${topic}.` : renderLetters(letters)), json());
    });
  dlq
    .command('replay <topic>')
    .description('hand the dead letters of a topic to the handler that failed; never to the topic')
    .action(async (topic: string) => {
      const result = await hostClient().post<{ replayed: number; failed: number }>(`/bus/dlq/${encodeURIComponent(topic)}`, {});
      printResult(result, ({ replayed, failed }) => `${formatCount(replayed)} replayed, ${formatCount(failed)} failed again.`, json());
      if (result.failed > 0) process.exitCode = EXIT.failed;
    });
}

function kafkaTopics(): Promise<{ topics: readonly TopicView[] }> {
  return withKafka(async ({ admin }) => ({
    topics: (await admin.topics()).map(({ name, partitions, offsets }) => ({
      name,
      partitions,
      records: offsets.reduce((sum, { begin, end }) => sum + end - begin, 0),
    })),
  }));
}

function kafkaLags(): Promise<{ lags: readonly LagView[] }> {
  return withKafka(async ({ admin }) => {
    const lags: LagView[] = [];
    for (const { group, topics } of READERS) {
      const partitions = await admin.lag(group, topics);
      for (const topic of topics) {
        lags.push({ group, topic, lag: partitions.filter((each) => each.topic === topic).reduce((sum, { lag }) => sum + lag, 0) });
      }
    }
    return { lags };
  });
}

function renderPing({ sent, answered, round_trip_ms: times }: PingReport): string {
  const counted = `${answered} of ${sent} pings answered`;
  if (times === null) return counted;
  const figures = Object.entries(times).map(([name, value]) => `${name} ${value.toFixed(1)} ms`);
  return `${counted}; round trip ${figures.join(', ')}`;
}

function renderLetters(letters: readonly LetterView[]): string {
  return table(
    ['partition', 'offset', 'group', 'code', 'row', 'replayed', 'cause'],
    letters.map((letter) => [
      letter.partition,
      letter.offset,
      letter.group,
      letter.code,
      letter.row ?? '',
      letter.replayed ? 'yes' : 'no',
      letter.cause.slice(0, 90),
    ]),
  );
}
