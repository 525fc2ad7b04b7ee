// A store's thread that opens, and dies of its first call.
import { type MessagePort, parentPort } from 'node:worker_threads';

const port = parentPort as MessagePort;
port.once('message', () => {
  throw new Error('the disk is gone');
});
port.postMessage({ opened: true });
