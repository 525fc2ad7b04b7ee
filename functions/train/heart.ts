// A thread beside the training, which computes for seconds without a pause: as long as the process is not frozen, a sign of life leaves it every so often.
import { writeSync } from 'node:fs';
import { BEAT_MS } from './protocol.ts';

const STDOUT = 1;

setInterval(() => writeSync(STDOUT, '.'), BEAT_MS);
