import type { FieldProblem } from '../domain/errors.ts';
import type { FunctionDefinition, TopicTrigger, Trigger } from './define-function.ts';

const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
/** Kubernetes names have 63 characters; KEDA puts `keda-hpa-` before the name of what it scales. */
const MAX_NAME_LENGTH = 54;
const EVENT_TYPE = /^io\.streamforge\.[a-z-]+\.v\d+$/;
const ENV_NAME = /^[A-Z][A-Z0-9_]*$/;
/** Control and state enter by the log alone, never by a request. */
const NEVER_PUSHED = /^io\.streamforge\.(command|fetch-shard|build-graph|train|workflow-[a-z-]+|shard-verified|queue-event)\.v\d+$/;

/** Everything in a definition that contradicts itself; empty where it can be run. */
export function definitionProblems(
  definition: Pick<FunctionDefinition, 'name' | 'triggers' | 'sends' | 'settings'>,
): readonly FieldProblem[] {
  const problems: FieldProblem[] = [];
  const say = (path: string, problem: string, allowed?: string): void =>
    void problems.push({ path, problem, ...(allowed === undefined ? {} : { allowed }) });

  if (!isName(definition.name)) say('name', 'is not a name', 'lower-case words parted by "-", at most 54 characters');
  if (definition.triggers.length === 0) say('triggers', 'is empty: nothing would start it');
  repeated(definition.triggers.map(({ name }) => name)).forEach((name) => {
    say('triggers', `has two triggers named ${name}`);
  });
  repeated(definition.triggers.flatMap(groupsAndTopics)).forEach((pair) => {
    say('triggers', `has two triggers that read ${pair}`);
  });
  definition.triggers.forEach((trigger, index) => {
    checkTrigger(trigger, (path, problem, allowed) => say(`triggers.${index}.${path}`, problem, allowed));
  });
  definition.sends.forEach((type, index) => {
    if (!EVENT_TYPE.test(type)) say(`sends.${index}`, 'is not an event type', 'io.streamforge.<name>.v<major>');
  });
  for (const [key, { env, meaning }] of Object.entries(definition.settings)) {
    if (!ENV_NAME.test(env)) say(`settings.${key}.env`, 'is not a name of a variable', 'A-Z, 0-9 and "_"');
    if (meaning.trim() === '') say(`settings.${key}.meaning`, 'is empty');
  }
  repeated(Object.values(definition.settings).map(({ env }) => env)).forEach((env) => {
    say('settings', `reads ${env} twice`);
  });
  return problems;
}

type Say = (path: string, problem: string, allowed?: string) => void;

function checkTrigger(trigger: Trigger, say: Say): void {
  if (!isName(trigger.name)) say('name', 'is not a name', 'lower-case words parted by "-", at most 54 characters');
  checkScaling(trigger, say);
  switch (trigger.kind) {
    case 'topic':
      if (trigger.topics.length === 0) say('topics', 'is empty');
      checkTypes(trigger.events, 'events', say);
      checkAtOnce(trigger, say);
      return;
    case 'job':
      checkTypes(trigger.events, 'events', say);
      if (!(trigger.leaseMs >= 1_000)) say('leaseMs', 'is too short to be renewed in time', 'at least 1000');
      return;
    case 'http':
      trigger.accepts.forEach((type, index) => {
        if (!EVENT_TYPE.test(type)) say(`accepts.${index}`, 'is not an event type', 'io.streamforge.<name>.v<major>');
        if (NEVER_PUSHED.test(type)) say(`accepts.${index}`, 'is a control or state event: it enters by the log alone');
      });
      return;
    case 'schedule':
      if (!(trigger.everyMs >= 1_000)) say('everyMs', 'is too short', 'at least 1000');
      return;
    default:
      trigger satisfies never;
  }
}

function checkAtOnce({ handler, eventsAtOnce = 1 }: TopicTrigger, say: Say): void {
  if (!(Number.isSafeInteger(eventsAtOnce) && eventsAtOnce >= 1)) say('eventsAtOnce', 'is not a number of events', 'a whole number from 1');
  else if (handler === 'handleBatch' && eventsAtOnce > 1) say('eventsAtOnce', 'is for `handle` alone: a batch is handed over whole');
}

function checkTypes(types: readonly string[], path: string, say: Say): void {
  if (types.length === 0) say(path, 'is empty: every event would be ignored');
  types.forEach((type, index) => {
    if (!EVENT_TYPE.test(type)) say(`${path}.${index}`, 'is not an event type', 'io.streamforge.<name>.v<major>');
  });
}

function checkScaling({ scaling }: Trigger, say: Say): void {
  const { minReplicas = 0, maxReplicas } = scaling;
  if (!(maxReplicas >= 1)) say('scaling.maxReplicas', 'is below 1', 'at least 1');
  if (minReplicas > maxReplicas) say('scaling.minReplicas', 'is above maxReplicas', `at most ${maxReplicas}`);
  if (!(scaling.memoryMiB > 0)) say('scaling.memoryMiB', 'is not positive');
  if (!(scaling.cpuMillis > 0)) say('scaling.cpuMillis', 'is not positive');
}

/** One group must not read one topic by two triggers: they would steal each other's records. */
function groupsAndTopics(trigger: Trigger): readonly string[] {
  if (trigger.kind === 'topic') return trigger.topics.map((topic) => `${topic} as ${trigger.group}`);
  return trigger.kind === 'job' ? [`${trigger.topic} as ${trigger.group}`] : [];
}

function isName(name: string): boolean {
  return NAME.test(name) && name.length <= MAX_NAME_LENGTH;
}

function repeated(values: readonly string[]): readonly string[] {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}
