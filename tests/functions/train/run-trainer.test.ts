import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startTrainer } from '../../../functions/train/run-trainer.ts';
import { AppError } from '../../../shared/domain/errors.ts';
import { trainingGraph } from '../../gnn/support/graphs.ts';
import { simulateMarket } from '../../gnn/support/market.ts';
import { eventually } from '../../support/eventually.ts';

const script = (name: string): URL => new URL(`./${name}`, import.meta.url);
const never = (): AbortSignal => new AbortController().signal;
const ignore = (): void => undefined;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the trainer process', () => {
  const graph = trainingGraph(simulateMarket({ symbols: 2, bars: 300 }), 300);
  const task = { task: 'vol', horizon: 12, model: 'sgc', hidden: 4, epochs: 1, seeds: [1] } as const;

  it('is killed where it does not end by itself, within a second', async () => {
    const stop = new AbortController();
    const trainer = startTrainer(['cpu'], stop.signal, ignore, { script: script('stubborn-trainer.ts') });
    await trainer.backend;
    const training = trainer.train(graph, task);
    training.catch(ignore);

    const asked = performance.now();
    stop.abort(new AppError('state_conflict', 'stopped'));
    await assert.rejects(training, (error) => error instanceof AppError && error.code === 'state_conflict');
    await trainer.stop();

    assert.ok(performance.now() - asked < 1_000);
    assert.ok(trainer.pid !== undefined && !isAlive(trainer.pid));
  });

  it('fails the training with its last words where it dies', async () => {
    const trainer = startTrainer(['cpu'], never(), ignore, { script: script('dying-trainer.ts') });

    await assert.rejects(trainer.backend, /code 3 before its result: .*no room left/);
    await assert.rejects(trainer.train(graph, task), /no room left/);

    await trainer.stop();
  });

  it('case 69: is killed where it is frozen, and told so as something that can be tried again', async () => {
    const trainer = startTrainer(['cpu'], never(), ignore, { silentMs: 2_000 });
    await trainer.backend;
    const { pid = 0 } = trainer;
    const training = trainer.train(graph, task);
    training.catch(ignore);

    process.kill(pid, 'SIGSTOP');

    await assert.rejects(
      training,
      (error) => error instanceof AppError && error.code === 'timeout' && /no sign of life/.test(error.message),
    );
    await trainer.stop();
    assert.ok(!isAlive(pid));
  });

  it('case 69: is left alone where it only computes for longer than a frozen one may be silent', async () => {
    const trainer = startTrainer(['cpu'], never(), ignore, { silentMs: 1_500, script: script('slow-trainer.ts') });
    await trainer.backend;

    const { cpuSeconds } = await trainer.train(graph, task);

    assert.equal(cpuSeconds, 3);
    await trainer.stop();
  });

  it('carries an error over with its code', async () => {
    const trainer = startTrainer(['cpu'], never(), ignore);
    await trainer.backend;

    await assert.rejects(trainer.train(graph, task), (error) => error instanceof AppError && error.code === 'invalid_request');

    await trainer.stop();
  });

  it('ends with its parent, however that dies', async () => {
    const owner = spawn(process.execPath, ['--no-warnings', fileURLToPath(script('trainer-owner.ts'))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(owner.stdout.setEncoding('utf8'), 'data')) as [string];
    const pid = Number(line);
    assert.ok(isAlive(pid));

    owner.kill('SIGKILL');

    await eventually(() => !isAlive(pid), { what: 'the end of the trainer' });
  });
});
