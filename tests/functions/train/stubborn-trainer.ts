// A trainer that takes no hint: it says that it is up, ignores SIGTERM and never answers.
process.on('SIGTERM', () => undefined);
process.on('message', () => undefined);
process.send?.({ kind: 'backend', backend: { name: 'cpu', skipped: [], simd: false, tfjs: '4.22.0', node: process.version } });
