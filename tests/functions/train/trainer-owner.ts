// A process that starts a trainer, says its pid and waits to be killed.
import { startTrainer } from '../../../functions/train/run-trainer.ts';

const trainer = startTrainer(['cpu'], new AbortController().signal, () => undefined);
await trainer.backend;
process.stdout.write(`${trainer.pid}\n`);
setInterval(() => undefined, 60_000);
