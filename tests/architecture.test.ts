import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const MOST_LINES = 300;

/**
 * The rooms of the house and what each may import, beside itself. The longest matching name wins: `shared/domain/graph` is `shared/domain`.
 * Types of a later room may be named (`import type`) where a port is described by them: see `TYPES_ONLY`.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'shared/domain': [],
  'shared/telemetry': ['shared/domain'],
  'shared/store': ['shared/domain'],
  'shared/objects': ['shared/domain'],
  'shared/exchanges': ['shared/domain'],
  // The other hand: it shares no code with the platform, or both would make the same mistake.
  'shared/exchanges/simulator': [],
  'shared/events': ['shared/domain'],
  'shared/bus': ['shared/domain', 'shared/events'],
  'shared/gnn': ['shared/domain'],
  'shared/runtime': [
    'shared/domain',
    'shared/telemetry',
    'shared/store',
    'shared/objects',
    'shared/exchanges',
    'shared/exchanges/simulator',
    'shared/events',
    'shared/bus',
  ],
  functions: [
    'shared/domain',
    'shared/telemetry',
    'shared/store',
    'shared/objects',
    'shared/exchanges',
    'shared/events',
    'shared/bus',
    'shared/gnn',
    'shared/runtime',
  ],
  'shared/cli': ['shared', 'functions'],
  bin: ['shared/cli'],
};

/** What may be imported as a type alone: the shape of a record, a clock or a logger that is handed in. */
const TYPES_ONLY: Readonly<Record<string, readonly string[]>> = {
  'shared/events': ['shared/bus'],
  // `/_sim/truth` answers in the shape of the contract.
  'shared/exchanges/simulator': ['shared/domain'],
  'shared/store': ['shared/events', 'shared/telemetry', 'shared/runtime'],
  'shared/objects': ['shared/telemetry', 'shared/runtime'],
  'shared/exchanges': ['shared/telemetry', 'shared/runtime'],
  'shared/bus': ['shared/telemetry', 'shared/runtime'],
};

/** Libraries of others and the rooms that may import them. A library that stands nowhere here is nobody's yet. */
const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  zod: ['shared/events', 'shared/runtime', 'shared/store', 'shared/exchanges/simulator', 'functions'],
  cloudevents: ['shared/events'],
  pino: ['shared/telemetry'],
  'prom-client': ['shared/telemetry'],
  undici: ['shared/exchanges/binance', 'shared/exchanges/bitmex', 'shared/objects/s3'],
  arangojs: ['shared/store/arango'],
  aws4fetch: ['shared/objects/s3'],
  ws: ['shared/exchanges/binance', 'shared/exchanges/bitmex', 'shared/exchanges/simulator'],
  kafkajs: ['shared/bus/kafka'],
  commander: ['shared/cli'],
  '@tensorflow/tfjs': ['shared/gnn'],
  '@tensorflow/tfjs-backend-wasm': ['shared/gnn'],
  '@tensorflow/tfjs-node-gpu': ['shared/gnn'],
  'node:sqlite': ['shared/bus/embedded', 'shared/store/sqlite'],
};

/** Adapters meet their port and nobody else's: one folder an engine. */
const ADAPTERS = [
  'shared/bus/embedded',
  'shared/bus/kafka',
  'shared/store/sqlite',
  'shared/store/arango',
  'shared/objects/folder',
  'shared/objects/s3',
];

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

function filesOf(folder: string): string[] {
  const path = join(ROOT, folder);
  const entries = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(path, { withFileTypes: true }) : [];
  return entries.flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesOf(name);
    return /\.(ts|mjs)$/.test(entry.name) ? [name] : [];
  });
}

const SOURCES = ['bin', 'functions', 'shared'].flatMap(filesOf);
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
/** Code without comments and without what stands between quotes over several lines. */
const codeOf = (file: string): string =>
  textOf(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');

function importsOf(file: string): Import[] {
  const found: Import[] = [];
  const statement = /(?:^|\n)\s*(?:import|export)\s+(type\s+)?([^'";]*?\sfrom\s+)?'([^']+)'/g;
  const dynamic = /import\(\s*'([^']+)'\s*\)/g;
  const code = codeOf(file);
  const add = (target: string, typeOnly: boolean): void => {
    const path = target.startsWith('.') ? posix.normalize(posix.join(posix.dirname(file), target)) : target;
    found.push({ file, target: path, typeOnly });
  };
  for (const [, type, names, target] of code.matchAll(statement))
    if (target !== undefined) add(target, type !== undefined || onlyTypes(names));
  for (const match of code.matchAll(dynamic)) {
    // `typeof import('…')` and `Parameters<typeof import('…')…>` are types.
    const isType = /typeof\s+$/.test(code.slice(0, match.index));
    add(match[1] as string, isType);
  }
  return found;
}

/** `{ type A, type B } from`: nothing is left of it at run time. */
function onlyTypes(names: string | undefined): boolean {
  const list = /\{([^}]*)\}/.exec(names ?? '')?.[1];
  return list !== undefined && list.trim() !== '' && list.split(',').every((name) => name.trim() === '' || /^\s*type\s/.test(name));
}

function roomOf(path: string, rooms: readonly string[] = Object.keys(ROOMS)): string | undefined {
  return rooms.filter((room) => path === room || path.startsWith(`${room}/`)).sort((a, b) => b.length - a.length)[0];
}

const libraryOf = (target: string): string =>
  target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');
const ALL = SOURCES.flatMap(importsOf);
const OWN = ALL.filter(({ target }) => roomOf(target) !== undefined || target.startsWith('shared/') || target.startsWith('functions/'));
const say = ({ file, target }: Import): string => `${file} imports ${target}`;

describe('the architecture', () => {
  test('every file stands in a room of the house', () => {
    assert.ok(SOURCES.length > 50);
    assert.deepEqual(
      SOURCES.filter((file) => roomOf(file) === undefined),
      [],
    );
  });

  test('imports go in one direction', () => {
    const wrong = OWN.filter(({ file, target, typeOnly }) => {
      const [from, to] = [roomOf(file) as string, roomOf(target) ?? target];
      if (from === to && from !== 'functions') return false;
      if (from === 'functions' && to === 'functions') return false;
      const allowed = [...(ROOMS[from] ?? []), ...(typeOnly ? (TYPES_ONLY[from] ?? []) : [])];
      return !allowed.some((room) => room === to || (room === 'shared' && to.startsWith('shared/')));
    });

    assert.deepEqual(wrong.map(say), []);
  });

  test('functions never import each other: they meet in a contract', () => {
    const nameOf = (path: string): string | undefined => /^functions\/([^/]+)\//.exec(path)?.[1];
    const wrong = OWN.filter(
      ({ file, target }) => nameOf(file) !== undefined && nameOf(target) !== undefined && nameOf(file) !== nameOf(target),
    );

    assert.deepEqual(wrong.map(say), []);
  });

  test('a library appears where it belongs and nowhere else', () => {
    const wrong = ALL.filter(({ file, target }) => {
      if (target.startsWith('.') || roomOf(target) !== undefined || target === 'package.json') return false;
      const rooms = LIBRARIES[libraryOf(target)];
      if (target.startsWith('node:')) return LIBRARIES[target] !== undefined && roomOf(file, LIBRARIES[target]) === undefined;
      return rooms === undefined || roomOf(file, rooms) === undefined;
    });

    assert.deepEqual(wrong.map(say), []);
  });

  test('an adapter is named by who opens it, and by nobody else', () => {
    const wrong = OWN.filter(({ file, target, typeOnly }) => {
      const adapter = roomOf(target, ADAPTERS);
      if (adapter === undefined || typeOnly || roomOf(file, ADAPTERS) === adapter) return false;
      // `workflow rebuild`, `export` and `coverage` work on log and store themselves, with no host running.
      return file !== 'shared/runtime/ports.ts' && roomOf(file) !== 'shared/cli';
    });

    assert.deepEqual(wrong.map(say), []);
  });

  test('the domain does nothing but think: no import from Node, no clock, no environment, no randomness', () => {
    const wrong = SOURCES.filter((file) => roomOf(file) === 'shared/domain').flatMap((file) => {
      const code = codeOf(file);
      const imported = importsOf(file).filter(({ target }) => !target.startsWith('shared/domain/'));
      const used = [...code.matchAll(/\b(process\.|Date\.now\(|new Date\(\)|Math\.random\(|performance\.|setTimeout\(|fetch\()/g)].map(
        ([text]) => text,
      );
      return [...imported.map(say), ...used.map((text) => `${file} uses ${text}`)];
    });

    // A content hash is arithmetic too; Node's is the only one that is quick.
    assert.deepEqual(
      wrong.filter((line) => !line.endsWith('imports node:crypto')),
      [],
    );
  });

  test('handlers read no environment, no clock and no randomness: their context has them', () => {
    const wrong = SOURCES.filter(
      (file) => roomOf(file) === 'functions' && !file.endsWith('.worker.ts') && !file.endsWith('-child.ts'),
    ).flatMap((file) =>
      [...codeOf(file).matchAll(/\b(process\.env|Date\.now\(|new Date\(\)|Math\.random\(|randomUUID\()/g)].map(
        ([text]) => `${file} uses ${text}`,
      ),
    );

    assert.deepEqual(wrong, []);
  });

  test('a function is found by its folder: function.ts defines it and loads its code lazily', () => {
    const folders = readdirSync(join(ROOT, 'functions'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of folders) {
      const file = `functions/${name}/function.ts`;
      if (!SOURCES.includes(file)) continue;
      const code = codeOf(file);
      assert.match(code, /export default defineFunction\(/, file);
      assert.match(code, /load: \(\) => import\('\.\/[a-z-]+\.ts'\)/, file);
      const heavy = importsOf(file).filter(
        ({ target, typeOnly }) => !typeOnly && target.startsWith(`functions/${name}/`) && !/\/(config|handle)\.ts$/.test(target),
      );
      assert.deepEqual(heavy.filter(({ target }) => target.endsWith('/handle.ts') && !code.includes(`import('./handle.ts')`)).map(say), []);
    }
  });

  test('nobody re-exports a tree, and no file has a name that says nothing', () => {
    const wrong = SOURCES.filter((file) => /(^|[/-])(utils?|helpers?|common|misc|manager|index)\.(ts|mjs)$/.test(file));

    assert.deepEqual(wrong, []);
    assert.deepEqual(
      SOURCES.filter((file) => /^export \* from/m.test(codeOf(file))),
      [],
    );
  });

  test(`no file is longer than ${MOST_LINES} lines, and names are kebab-case`, () => {
    const all = [...SOURCES, ...filesOf('tests')];

    assert.deepEqual(
      all
        .map((file) => `${file} ${textOf(file).split('\n').length - 1}`)
        .filter((line) => Number(line.split(' ')[1]) > MOST_LINES && !line.startsWith('tests/')),
      [],
    );
    assert.deepEqual(
      all.filter((file) => !/^[a-z0-9.-]+$/.test(file.split('/').at(-1) ?? '')),
      [],
    );
  });

  test('importing a module does nothing: no call stands alone at its top level', () => {
    // What nobody imports is a process or a thread of its own.
    const imported = new Set(ALL.filter(({ typeOnly }) => !typeOnly).map(({ target }) => target));
    const wrong = SOURCES.filter((file) => imported.has(file)).flatMap((file) =>
      codeOf(file)
        .replace(/`(\\[\s\S]|[^`\\])*`/g, '``')
        .split('\n')
        .filter(
          (line) =>
            /^(await |void |new |[a-zA-Z_$][\w$.]*\()/.test(line) && !/^(function|if|for|while|switch|return|import|export)\b/.test(line),
        )
        .map((line) => `${file}: ${line.slice(0, 80)}`),
    );

    assert.deepEqual(wrong, []);
  });

  test('nothing says on whose machine it was written: paths of one stand nowhere', () => {
    const pattern = /(^|[^\w.-])\/(home|Users|root|tmp)\/[a-z]/m;

    assert.deepEqual(
      SOURCES.filter((file) => pattern.test(textOf(file))),
      [],
    );
  });
});
