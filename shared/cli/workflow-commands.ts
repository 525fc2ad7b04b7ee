import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { AppError } from '../domain/errors.ts';
import { readEvents } from './client.ts';
import { EXIT, formatCount, formatTime, note, print, printResult, table } from './output.ts';
import { dataDir, hostClient } from './settings.ts';
import { type StartedWorkflow, type WorkflowView, waitForWorkflow } from './workflow-client.ts';

interface StartOptions {
  readonly symbol?: readonly string[];
  readonly type?: readonly string[];
  readonly range?: string;
  readonly exchange: string;
  readonly stages?: readonly string[];
  readonly collection?: string;
  readonly task?: string;
  readonly model?: string;
  readonly epochs?: number;
  readonly body?: string;
  readonly idempotencyKey?: string;
  readonly wait?: boolean;
}

const list = (text: string, before: readonly string[] = []): string[] => [...before, ...text.split(',').filter((part) => part !== '')];

function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return value;
}

/** `workflow start|list|show|events|stop|resume|rebuild`. */
export function addWorkflowCommands(program: Command): void {
  const workflow = program.command('workflow').description('start, watch, stop and resume workflows (a client of STREAMFORGE_URL)');
  const json = (): { json: boolean } => ({ json: program.opts<{ json?: boolean }>().json === true });

  workflow
    .command('start')
    .description('load history, prove it complete, and on demand build a graph of it and train a model on it')
    .option('--symbol <symbols>', 'one or more, parted by commas', list)
    .option('--type <types>', 'api_candles_5m, api_trades, api_agg_trades, …; parted by commas', list)
    .option('--range <range>', 'two UTC dates with the last one included (2024-08-01:2024-08-31), or two instants parted by / (half-open)')
    .option('--exchange <name>', 'the exchange', 'binance')
    .option('--stages <stages>', 'a prefix of load,build-graph,train; default load', list)
    .option('--collection <name>', 'name of the result')
    .option('--task <task>', 'what to train for: vol or dir')
    .option('--model <model>', 'rsage or sgc')
    .option('--epochs <count>', 'most epochs of training', count)
    .option('--body <file>', 'the whole request as JSON, "-" for stdin; takes the place of the options above')
    .option('--idempotency-key <key>', 'the same key starts the same workflow once')
    .option('--wait', 'wait for the end; exit 1 unless it finishes')
    .addHelpText(
      'after',
      `
Examples:
  streamforge workflow start --symbol BTCUSDT --type api_candles_5m --range 2024-08-01:2024-08-31 --wait
  streamforge workflow start --symbol BTCUSDT,ETHUSDT --type api_candles_1h --range 2024-01-01:2024-06-30 --stages load,build-graph,train`,
    )
    .action(async (options: StartOptions) => {
      const client = hostClient();
      const headers: Record<string, string> = options.idempotencyKey === undefined ? {} : { 'idempotency-key': options.idempotencyKey };
      const started = await client.post<StartedWorkflow>('/workflows', requestBody(options), { headers });
      if (options.wait !== true) {
        printResult(started, renderStarted, json());
        return;
      }
      note(renderStarted(started));
      finish(await waitForWorkflow(client, started.queue_id), json());
    });

  workflow
    .command('list')
    .description('workflows, newest first')
    .option('--status <status>', 'only this status')
    .option('--symbol <symbol>', 'only this symbol')
    .option('--type <type>', 'only this type')
    .option('--limit <count>', 'most rows', count, 20)
    .action(async (options: Readonly<Record<string, string | number | undefined>>) => {
      const query = new URLSearchParams();
      for (const [name, value] of Object.entries(options)) if (value !== undefined) query.set(name, String(value));
      const page = await hostClient().get<{ items: readonly WorkflowView[] }>(`/workflows?${query}`);
      printResult(page, ({ items }) => (items.length === 0 ? 'No workflows.' : renderList(items)), json());
    });

  workflow
    .command('show <queue-id>')
    .description('every stage: shards, rows, what the exchange does not have, errors')
    .option('--wait', 'wait for the end; exit 1 unless it finishes')
    .action(async (queueId: string, options: { wait?: boolean }) => {
      const client = hostClient();
      if (options.wait === true) finish(await waitForWorkflow(client, queueId), json());
      else printResult(await client.get<WorkflowView>(`/workflows/${queueId}`), renderWorkflow, json());
    });

  workflow
    .command('events <queue-id>')
    .description('every event so far, then live; one JSON line each')
    .option('--after <id>', 'only events behind this one')
    .action(async (queueId: string, options: { after?: string }) => {
      const headers: Record<string, string> = options.after === undefined ? {} : { 'last-event-id': options.after };
      for await (const event of readEvents(await hostClient().stream(`/workflows/${queueId}/events`, { headers }))) print(event.data);
    });

  for (const [name, does] of [
    ['stop', 'stop a workflow: nothing new is asked of the exchange within a second'],
    ['resume', 'run a stopped or failed workflow again, planned anew from the ledger'],
  ] as const) {
    workflow
      .command(`${name} <queue-id>`)
      .description(does)
      .option('--wait', 'wait for the end')
      .action(async (queueId: string, options: { wait?: boolean }) => {
        const client = hostClient();
        const answer = await client.post<{ queue_id: string; status: string }>(`/workflows/${queueId}/${name}`, {});
        if (options.wait !== true) printResult(answer, ({ status }) => `${queueId}: ${status}`, json());
        else finish(await waitForWorkflow(client, queueId), json(), name === 'stop' ? 'interrupted' : 'finished');
      });
  }

  workflow
    .command('rebuild')
    .description('fold queue-events into an empty store again; works on the data folder itself, with no host running; sends nothing')
    .action(async () => {
      const { rebuild } = await import('./rebuild.ts');
      printResult(
        await rebuild(dataDir()),
        ({ workflows, events }) => `Rebuilt ${workflows} workflows from ${formatCount(events)} events.`,
        json(),
      );
    });
}

function requestBody(options: StartOptions): unknown {
  if (options.body !== undefined) return JSON.parse(readFileSync(options.body === '-' ? 0 : options.body, 'utf8'));
  for (const name of ['symbol', 'type', 'range'] as const) {
    if (options[name] === undefined)
      throw new AppError('invalid_request', `workflow start needs --${name} (or --body with the whole request).`);
  }
  const train = {
    ...(options.task === undefined ? {} : { task: options.task }),
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.epochs === undefined ? {} : { epochs: options.epochs }),
  };
  return {
    exchange: options.exchange,
    symbols: options.symbol,
    types: options.type,
    time_range: options.range,
    ...(options.stages === undefined ? {} : { stages: options.stages }),
    ...(options.collection === undefined ? {} : { collection_name: options.collection }),
    ...(Object.keys(train).length === 0 ? {} : { train }),
  };
}

function finish(view: WorkflowView, output: { readonly json: boolean }, wanted = 'finished'): void {
  printResult(view, renderWorkflow, output);
  if (view.status !== wanted) process.exitCode = EXIT.failed;
}

function renderStarted({ queue_id, plan, effective_to }: StartedWorkflow): string {
  const known = (value: number | null, unit: string): string => (value === null ? `${unit} unknown yet` : `${formatCount(value)} ${unit}`);
  return `${queue_id}: ${known(plan.shards, 'shards')}, ${known(plan.rows, 'rows')}, ${known(plan.calls, 'calls')}, about ${plan.seconds ?? '?'} s; to ${formatTime(effective_to)}`;
}

function renderList(items: readonly WorkflowView[]): string {
  return table(
    ['queue id', 'status', 'attempt', 'symbols', 'types', 'created'],
    items.map((item) => [
      item.queue_id,
      item.status,
      item.attempt,
      item.symbols.join(','),
      item.types.join(','),
      formatTime(item.created_at),
    ]),
  );
}

/** A workflow as text: status, then a line for each stage, then what the exchange does not have. */
export function renderWorkflow(view: WorkflowView): string {
  const lines = [`${view.queue_id}: ${view.status} (attempt ${view.attempt})`];
  for (const stage of view.stages) {
    const shards =
      stage.shards_total === undefined || stage.shards_total === null
        ? ''
        : `, ${formatCount(stage.shards_done ?? 0)} of ${formatCount(stage.shards_total)} shards`;
    const rows = stage.records_written === undefined || stage.records_written === 0 ? '' : `, ${formatCount(stage.records_written)} rows`;
    const detail =
      stage.detail === undefined
        ? ''
        : `, ${Object.entries(stage.detail)
            .map(([name, value]) => `${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
            .join(', ')}`;
    lines.push(`  ${stage.stage}: ${stage.status}${shards}${rows}${detail}`);
    for (const absence of stage.absent ?? []) {
      lines.push(
        `    ${absence.kind}: ${absence.series} ${formatTime(absence.from)} to ${formatTime(absence.to)} (${absence.evidence.grade})`,
      );
    }
  }
  if (view.error !== undefined) lines.push(`  error ${view.error.code}: ${view.error.message}`);
  return lines.join('\n');
}
